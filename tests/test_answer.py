"""The answer in words: for every kind of study, and in agreement with its tables."""

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest

from samples import (
    LADDER,
    SCRATCH,
    alone,
    changed,
    compared,
    ladder,
    question,
    scores,
)
from thaw.findings import recommendation
from thaw.findings.answer import answer
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.deciding import needed
from thaw.findings.overall import TITLE, Compared, in_short
from thaw.findings.recommendation import (
    KEEP,
    NONE,
    SAME,
    UNDECIDED,
    USE,
    advice,
)
from thaw.findings.samples import Sample
from thaw.findings.verdicts import MODELS_FAILED
from thaw.tables.answer import recommendations

KELVIN = {"task": "regression", "name": "mean_absolute_error", "unit": "K"}

GROWS, HURTS = ladder(0.7, 0.75, 0.8), ladder(0.8, 0.75, 0.7)
ALIKE = ladder(0.8, 0.8, 0.8, spread=0.001)
UNCLEAR = ladder(0.8, 0.8, 0.8, spread=0.2)
DEAD = changed(ladder(0.4, 0.4, 0.4), failed=np.ones(60, bool))
ONE_MODEL = ladder(0.7, 0.75, 0.8, models=1, each=60)
TWO_MODELS = ladder(0.7, 0.75, 0.8, models=2, each=30)
SMALL, LARGE = ladder(0.5, 0.7, 0.72), ladder(0.6, 0.7, 0.72)
FAILING = GROWS | {"fixed-1": scores(0.8, models=100, failed=0.3, seed=2)}
OFTEN_WEAK = ladder(0.8, 0.82, 0.82, models=100)
OFTEN_WEAK["fixed-1"].values[OFTEN_WEAK["fixed-1"].source_models % 4 == 0] = 0.6
RARELY_BAD = ladder(0.8, 0.8, 0.8, models=100, spread=0.001)
RARELY_BAD["fixed-1"].values[:20] = 0.5
MEDIAN_FAILED = GROWS | {"fixed-1": scores(0.7, failed=0.9, seed=2)}
USELESS = changed(ladder(0.85, 0.86, 0.86), constant=0.82)
USELESS["standalone"].values[:9] = 0.81
WITH_RANDOM = LADDER | {"random-1": {"pretrained": False, "freeze": 1}}
RANDOM = {"variants": WITH_RANDOM, "pairs": [("fixed-1", "random-1")]}
SELFER = GROWS | {"selfer/fixed-1": scores(0.85, seed=3)}
PAIR = {"pairs": [("fixed-1", "selfer/fixed-1")], "is_about_pairs": True}
FOREST, RIDGE = {"estimator": "sklearn.Forest"}, {"estimator": "sklearn.Ridge"}
REFERENCE = {"variants": LADDER | {"forest": FOREST}}
PRETRAINED = {"variants": {"fixed-0": {}, "fixed-1": {}}, "baseline": "fixed-0"}
HEAD = {"variants": {"standalone": SCRATCH, "head": {"phases": []}}}
HEAD |= {"words": {"head": "fine-tune, the output alone"}}
EQUAL = {"train_rows_of": "one", "test_rows": 99, "equal": 5}
EQUAL |= {"splits": 1, "rows": "1, 2, 3, 4, 5"}


def words_in(study):
    return " ".join(sentence for part in answer(study) for sentence in part.sentences)


def change(gain):
    """Return by how much a gain, at last 0.005, changed from half-way to the end."""
    gains = 0.005 - gain, 0.005, gain, gain - 0.002, gain + 0.002
    return ("fixed-0", "standalone", 50, 100, *gains)


OVERTRAINED = [
    ("standalone", "all", "test_accuracy", epoch, epoch, mean, *[mean] * 5, "")
    for epoch, mean in enumerate((0.5, 0.8, 0.7))
]

# Studies, their settings, and words that the answer has or, after "not", lacks.
CASES = [
    (GROWS, {}, ["Use transfer and freeze 1 layer (fixed-1).", "other source models"]),
    (GROWS, {}, ["Not covered: other test", "settings were tuned", "not told apart"]),
    (
        GROWS,
        {},
        ["standalone starts from PyTorch's initial weights and learns by Adam"],
    ),
    (
        GROWS,
        {},
        ["No simpler model shows how strong standalone is: add"],
    ),
    (
        GROWS | {"forest": alone(0.9)},
        REFERENCE,
        ["Use forest: 0.0", "than the best network (fixed-1). It", "not No reference"],
    ),
    (
        GROWS | {"forest": alone(0.6)},
        REFERENCE,
        ["forest is typically worse than stan"],
    ),
    (ladder(0.7, 0.705, 0.712), {}, ["(fixed-1), perhaps for less than the margin."]),
    (HURTS, {}, ["Train from scratch (standalone)", "costs 0.098", "not decide"]),
    (ladder(0.8, 0.8, 0.7), {}, ["(fixed-0) is typically equivalent, and a tie goes"]),
    (
        ladder(0.75, 0.8, 0.7),
        {},
        ["fine-tune all layers (fixed-0)", "worse than freezing none."],
    ),
    (ALIKE, {}, ["makes no difference that matters (±0.01)", "No depth can be ruled"]),
    (
        UNCLEAR,
        {},
        ["Undecided. No variant is clearly better or", "The best estimate is +"],
    ),
    (RARELY_BAD, {}, ["is typically equivalent, but with a mean gain of -0.0"]),
    (GROWS, PRETRAINED, ["Use fixed-1.", "itself pretrained"]),
    (GROWS, {"variants": {"standalone": SCRATCH}}, ["no other network is compared"]),
    (ONE_MODEL, {"source_models": 1}, ["this one source model"]),
    (ONE_MODEL, {"source_models": 1, "source": CHECKPOINTS}, ["this one checkpoint"]),
    (
        GROWS | {"head": scores(0.8)},
        HEAD,
        ["Use transfer and fine-tune, the output alone (head)"],
    ),
    (GROWS, {"equal": [EQUAL]}, ["5 of 99", "flatter pretrained"]),
    (GROWS, {"source": "two"}, ["nothing foreign is transferred"]),
    (TWO_MODELS, {}, ["too few: 2 of the 7", "not may be best"]),
    (
        GROWS,
        {"tuned": ["fixed-0"]},
        ["with training settings that were not", "not were tuned"],
    ),
    (GROWS, {"tuned": ["fixed-0"], "at_edge": 0.3}, ["highest for 30 % of"]),
    ({20: SMALL, 50: LARGE}, {"metric": [KELVIN]}, ["0.222 K (0.2"]),
    (
        FAILING,
        {},
        ["(30 % of fixed-1's)", "with 30 % of its networks failed, against 0 %"],
    ),
    (
        DEAD,
        {},
        ["too many networks failed.", "100 % of fixed-0's", "not frozen layers"],
    ),
    (
        GROWS,
        {"without_verdict": MODELS_FAILED},
        ["all source models failed", "not Use"],
    ),
    (MEDIAN_FAILED, {}, ["90 % of fixed-1's", "not inf", "not ∞"]),
    (
        OFTEN_WEAK,
        {},
        [
            "A network is weak if its test accuracy is below 0.7",
            "told apart from fixed-1",
        ],
    ),
    (USELESS, {}, ["15 % of standalone's", "82 % of the test rows", "class_weight"]),
    ({20: SMALL, 50: LARGE}, {}, ["With 20 to 50 rows: use", "not other rows to"]),
    ({20: SMALL, 50: HURTS}, {}, ["With 20 rows: use", "With 50 rows: train"]),
    ({20: SMALL, 50: UNCLEAR}, {}, ["With 50 rows: undecided. No"]),
    ({20: SMALL, 50: DEAD}, {}, ["With 50 rows: no recommendation"]),
    (dict.fromkeys((20, "all"), SMALL), {}, ["With 20 rows to all: use transfer"]),
    (GROWS | {"random-1": alone(0.85)}, RANDOM, ["Use random-1, which is not pre"]),
    (
        GROWS | {"random-1": alone(0.6)},
        RANDOM,
        ["typically better than freeze 1 untrained layer (random-1): +0."],
    ),
    (ALIKE, {"curves": OVERTRAINED}, ["after 1 of 2 epochs: 0.800 and 0.700 at the"]),
    (ALIKE, {"curves": OVERTRAINED[:2]}, ["not was best"]),
    (SELFER, PAIR, ["(fixed-1) is typically worse than selfer/fixed-1: -0."]),
    (ALIKE, {"changes": [change(0.03)]}, ["rose: fixed-0 from -0.025 to +0.005."]),
    (ALIKE, {"changes": [change(-0.03)]}, ["fell: fixed-0 from +0.035 to +0.005."]),
    (ALIKE, {"changes": [change(0.001)]}, ["not rose"]),
]


@pytest.mark.parametrize(
    ("samples", "settings", "phrases"), CASES, ids=[case[2][0] for case in CASES]
)
def test_the_answer(samples, settings, phrases):
    text = words_in(question(samples, **settings))
    for phrase in phrases:
        words = phrase.removeprefix("not ")
        assert (words in text) == (words == phrase), (phrase, text)


# Verdicts, each with a gain and its interval that give it, with a margin of 0.01.
GAINS = [
    ("typically better", (0.05, 0.02, 0.08)),
    ("typically worse", (-0.05, -0.08, -0.02)),
    ("equivalent", (0.0, -0.005, 0.005)),
    ("undecided", (0.02, -0.01, 0.05)),
    ("not better", (-0.02, -0.05, 0.005)),
    ("too few", (0.02, -np.inf, np.inf)),
    ("no verdict", (np.nan, np.nan, np.nan)),
]
THREE = {"standalone": SCRATCH} | {f"fixed-{n}": {"freeze": n} for n in range(3)}
MIXED = question(ALIKE | {"fixed-2": ALIKE["fixed-1"]}, variants=THREE)
KINDS = {"Use": USE, "Train": KEEP, "It": SAME, "Undecided.": UNDECIDED, "No": NONE}


def assert_agrees(study):
    """Assert that a recommendation says what its table does, and no more."""
    table, choice = study.comparisons, advice(study, "all")
    table = table[table["reference"] == study.baseline]
    text = " ".join(recommendation.recommended(study))
    assert KINDS[text.split()[0]] == choice.kind
    (row,) = recommendations(study).to_dict("records")
    assert (row["kind"], row["variant"] or "") == (choice.kind, choice.variant)
    lows, highs = table["typical_low"], table["typical_high"]
    kinds, is_better = {*table["verdict"]}, table["verdict"] == "typically better"
    if choice.kind == USE:
        # Everything named is clearly better, and what is recommended has its gain.
        assert {*choice.named} <= {*table["variant"][is_better]}
        assert choice.variant in text
        gain = table.set_index("variant").loc[choice.variant, "typical"]
        assert row["typical"] == gain and f"gains {gain:.3f} (" in text
        low = table.set_index("variant").loc[choice.variant, "typical_low"]
        words = "perhaps for less than the margin" in text
        assert words == (low < 0.01 and not choice.lead)
    else:
        assert not is_better.any()
        table = table[table["variant"].isin(study.networks)]
        lows, highs, kinds = lows[table.index], highs[table.index], {*table["verdict"]}
    if choice.kind == KEEP:
        # If all networks failed there is no interval.
        assert (highs.dropna() < 0.01).all() and kinds != {"equivalent"}
        is_worst = kinds == {"typically worse"}
        assert ("Every other " in text) == is_worst
    elif choice.kind == SAME:
        assert ((lows >= -0.01) & (highs <= 0.01)).all()
    elif choice.kind == UNDECIDED:
        named = table.loc[table["verdict"].isin(["undecided", "too few"]), "variant"]
        assert choice.named == [*named] and len(named)
        assert (highs[named.index] >= 0.01).all()
        best = table.loc[table["typical"].idxmax()]
        assert row["best"] == best["variant"]
        words = "least bad" if best["typical"] < 0 else "best"
        words = f"The {words} estimate is {best['typical']:+.3f}"
        assert words in text or np.isinf(best["typical"])
    elif choice.kind == NONE:
        assert kinds <= {"too few", "no verdict"}


def with_table(verdicts, gains):
    """Return a study of three variants with these verdicts and gains."""
    table = MIXED.comparisons.assign(verdict=verdicts)
    table[["typical", "typical_low", "typical_high"]] = gains
    return MIXED._replace(comparisons=table.assign(note="why"))


def test_an_answer_begins_with_the_pairs_that_a_study_asks_about():
    steps = {"pairs": [("fixed-1", "fixed-0")]}
    for samples, pairs, first in (
        (SELFER, PAIR, "What was compared"),
        (GROWS, steps, "What to do"),
    ):
        assert answer(question(samples, **pairs))[0].heading == first


def test_a_recommendation_says_what_its_table_does_and_no_more():
    for rows in combinations_with_replacement(GAINS, 3):
        verdicts, gains = zip(*rows, strict=True)
        assert_agrees(with_table([*verdicts], [*gains]))


@pytest.mark.parametrize("seed", range(12))
def test_the_answer_agrees_with_the_tables_of_any_study(seed):
    rng = np.random.default_rng(seed)
    means, spread = 0.8 + rng.choice([0, 0.005, 0.05]) * rng.normal(size=4), 0.02
    models = int(rng.integers(5, 40))
    samples = {"standalone": alone(means[3], spread=spread)} | {
        name: scores(mean, models, 2, rng.choice([0, 0.2]), spread, seed)
        for name, mean in zip([*THREE][1:], means, strict=False)
    }
    study = question(samples, variants=THREE, source_models=models)
    assert_agrees(study)
    text = words_in(study)
    kept = study.best_depths["may_be_best"] == "yes"
    if kept.all() or advice(study, "all").kind == NONE:
        assert "may be best" not in text
    elif kept.sum() > 1:
        depths = ["none" if n == 0 else str(n) for n in (0, 1, 2) if kept.iloc[n]]
        assert f"reezing {' or '.join(depths)} layer" in text


WITH_REFERENCES = {**THREE, "forest": FOREST, "ridge": RIDGE}


@pytest.mark.parametrize("seed", range(12))
def test_headline_pairs_and_table_agree_where_there_are_references(seed):
    """No sentence contradicts another one, whichever variant is ahead."""
    rng = np.random.default_rng(seed)
    means, names = 0.7 + 0.01 * seed / 4 * rng.normal(size=6), [*WITH_REFERENCES]
    samples = {
        name: scores(mean, 30, 2, 0, 0.01, int(rng.integers(99)))
        if name in THREE and name != "standalone"
        else alone(mean, spread=0.01)
        for name, mean in zip(names, means, strict=True)
    }
    pairs = [[("ridge", "fixed-1"), ("fixed-0", "forest")][seed % 2]]
    study = question(samples, variants=WITH_REFERENCES, pairs=pairs)
    assert_agrees(study)
    choice, table = advice(study, "all"), study.comparisons
    beats = {
        (a, b) if kind == "typically better" else (b, a)
        for a, b, kind in table[["variant", "reference", "verdict"]].to_numpy()
        if kind in ("typically better", "typically worse")
    }
    text, is_lost = words_in(study), {loser for _, loser in beats}
    for winner, loser in beats:
        assert f"{loser} is typically better than {winner}" not in text
        assert {winner, loser} - {*choice.named} or choice.kind == UNDECIDED
    if choice.variant:
        assert choice.variant not in is_lost
    for name in ("forest", "ridge"):
        rows = table[(table["variant"] == name) | (table["reference"] == name)]
        assert len(rows) >= 2  # the baseline, and the network that is hardest to beat
        if ("standalone", name) not in beats and (name, "standalone") in beats:
            assert f"{name} is typically better than standalone" in text
            assert choice.kind == USE
    # Each network against each estimator, one by one: none has a better claim.
    if choice.lead:
        row = choice.lead
        (act,) = recommendations(study)["act"]
        low, high = row["typical_low"], row["typical_high"]
        assert act.startswith(f"Use {choice.variant}: {low:.3f} to {high:.3f} better ")
        for network in study.networks:
            pair = {"variant": samples[choice.variant], "reference": samples[network]}
            assert compared(pair, ("variant", "reference"))["typical_low"].iloc[0] > 0


def test_a_depth_that_another_one_beats_is_not_recommended():
    """It may have the larger gain on the baseline: that does not order them."""
    models = np.arange(100).repeat(2)
    luck = np.random.default_rng(0).normal(0.8, 0.01, 100)[models]
    samples = {
        "standalone": alone(0.7, spread=0.05),
        "fixed-0": Sample(luck + np.where(models % 8, 0.011, -0.3), models),
        "fixed-1": Sample(luck, models),
    }
    study = question(samples, source_models=100)
    assert [*study.best_depths["beaten_by"]] == [[], ["fixed-0"]]
    assert advice(study, "all").named == ["fixed-0"]


RISKS = [
    ((0.15, 0.35), (0, 0), True, ["40 % of its networks weak, against 15 %"]),
    ((-0.35, -0.15), (0, 0), False, ["40 % of its networks weak, against 65 %"]),
    ((-0.3, -0.1), (0.1, 1), True, ["failed, against 0 %", "weak, against 60 %"]),
]


@pytest.mark.parametrize(("weak", "failed", "is_riskier", "words"), RISKS)
def test_equal_variants_may_be_safer_or_riskier(weak, failed, is_riskier, words):
    study = with_table("equivalent", (0.0, -0.005, -0.001))
    for kind, ends, share in (("weak", weak, 0.4), ("failed", failed, 0.55)):
        columns = [kind, f"reference_{kind}", f"{kind}_low", f"{kind}_high"]
        values = [share, share - np.mean(ends), *ends]
        study.comparisons.loc[1, columns] = values
    text = words_in(study)
    assert "(fixed-1) is typically equivalent, but with" in text
    assert all(phrase in text for phrase in words)
    # Of ties the one that fails or is weak no more often is named.
    study.comparisons["verdict"] = "typically better"
    study.comparisons.loc[1, "typical"] = 0.0001
    row = recommendations(study).iloc[0]
    assert row["best"] == row["variant"]
    assert (advice(study, "all").named[-1] == "fixed-1") == is_riskier


def row_of(typical, half, rows_error=0.0):
    row = {"typical": typical, "level": 0.95, "units": 30, "reference_units": 30}
    row |= {"these_rows_low": typical - half, "these_rows_high": typical + half}
    row |= {"rows_error": rows_error, "row_units": 500 * (rows_error > 0)}
    return row | {"tested": 1}


def test_what_would_decide_a_comparison():
    for row, units, rows in (
        # Half the width takes four times as many, and somewhat more to be fairly sure.
        (row_of(0.02, 0.04), 300, 0),
        (row_of(-0.02, 0.04), 300, 0),
        (row_of(0.02, 0.02), 100, 0),
        # Equivalence, with a margin of 0.01.
        (row_of(0.0, 0.02), 300, 0),
        (row_of(0.004, 0.2), None, 0),
        # Rows: 1.96 * 0.01 is as wide as the gain allows, and more.
        (row_of(0.0199, 0.001, rows_error=0.01), 100, 0),
        (row_of(0.01, 0.001, rows_error=0.01), None, 1.9647**2),
        (row_of(0.0, 0.001, rows_error=0.02), None, (2 * 1.9647) ** 2),
    ):
        assert needed(row, 0.01) == (units, pytest.approx(rows, rel=1e-3)), row
    assert needed(row_of(math.nan, 0.01), 0.01) is None
    assert needed(row_of(0.02, math.inf), 0.01) is None


def headline(*gains):
    """Return what studies say together, each of a variant with such a verdict."""
    known = {"baseline": "standalone", "pretrained": ["fixed-2"], "target": "two"}
    known |= {"is_about_pairs": False, "depths": {"fixed-2": 2}, "margin": 0.01}
    known |= {"metric": [{"task": "classification", "name": "accuracy"}]}
    row = {"variant": "fixed-2", "reference": "standalone"}
    studies = [
        Compared(
            known | {"study": f"s{number}", "source": source},
            [
                row
                | {"verdict": verdict, "typical": typical}
                | {"typical_low": typical - 0.01, "typical_high": typical + 0.01}
            ],
        )
        for number, (source, verdict, typical) in enumerate(gains)
    ]
    return in_short(studies, TITLE)


WORSE = ("one", "typically worse", -0.03)


def test_the_headline_names_the_studies_that_can_tell():
    control = ("two", "equivalent", 0.0)
    assert headline(WORSE, control) == ""
    words = headline(WORSE, ("one", "undecided", 0.0), control)
    assert words.startswith("Not here: in none of the 2 studies that ask it does a t")
    assert "; s0 rules out a gain that matters; s1 is undecided. Where freez" in words
    words = headline(WORSE, ("one", "typically worse", -0.08))
    assert "the cost ranges from 0.030 (0.020 to 0.040) in s0 to 0.080 (0.07" in words
    words = headline(WORSE, ("one", "typically better", 0.1))
    assert words.startswith("At times: in s1, a transferred network clearly beats ")
