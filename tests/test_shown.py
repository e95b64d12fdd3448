"""Numbers are shown to a tenth of the margin."""

import math

import pytest

from thaw.findings.shown import counted, interval, number


@pytest.mark.parametrize(
    ("value", "margin", "sign", "shown"),
    [
        (0.12345, 0.01, "-", "0.123"),
        (-0.00001, 0.01, "+", "-0.000"),
        (-1e-17, 0.01, "+", "+0.000"),
        (12.345, 1, "-", "12.3"),
        (12.345, 0.5, "+", "+12.35"),
        (1234.5, 20, "-", "1234"),
        (1.2345e-9, 1e-10, "-", "1.23e-09"),
        (2e-10, 2e-11, "+", "+2.00e-10"),
        (1.23456e-6, 1e-10, "-", "1.23456e-06"),
        (-3e-13, 1e-10, "+", "-3e-13"),
        (0.0, 1e-10, "+", "+0"),
        (-12_345_678, 1e4, "+", "-12345678"),
        (-12_345_678, 1e6, "+", "-1.23e+07"),
        (math.nan, 1, "-", "n/a"),
        (math.inf, 1, "+", "+∞"),
    ],
)
def test_a_number_has_a_digit_more_than_the_margin(value, margin, sign, shown):
    assert number(value, margin, sign) == shown


def test_an_interval_that_is_not_known_is_said_once():
    assert interval(math.nan, math.nan, 1) == "n/a"
    assert interval(-1, 2, 1, "+") == "-1.0 to +2.0"


def test_units_are_counted():
    assert counted(1, "draw of rows") == "1 draw of rows"
    assert counted(20, "source model") == "20 source models"
