"""The config's file: the choice of it, and messages about one that cannot be read."""

import pytest
import yaml

from conftest import ROOT, SMALL_CONFIG, Project
from thaw.config.files import choose_file, read, with_values_read
from thaw.errors import ThawError

LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)
)

UNREADABLE = {
    "an open bracket": (
        b"seed: [1\nmargin: 2\n",
        "line 2, column 7: expected ',' or ']', but got ':', while parsing a flow "
        "sequence from line 1",
    ),
    "a tab": (b"network:\n\thidden: [5]\n", "line 2, column 1: found character '\\t'"),
    "a colon": (b"a:\n  b: c: d\n", "line 2, column 7: mapping values are not allowed"),
    "a control character": (b"a: 1\nb: \x00\n", "line 2, column 4: special characters"),
    "two documents": (b"a: 1\n---\nb: 1\n", "line 2, column 1: but found another"),
    "an unknown tag": (
        b"a: !!python/name:os.system x\n",
        "line 1, column 4: could not",
    ),
    "a list as a key": (b"? [1]\n: 2\n", "line 1, column 3: found unhashable key"),
    "an alias of nothing": (b"a: *b\n", "line 1, column 4: found undefined alias"),
    "an alias in itself": (b"a: &a [*a]\n", "line 1: an alias stands inside what it"),
    "aliases of aliases": (LAUGHS.encode(), "aliases stand for too many values"),
    "deep nesting": (b"[" * 5000, "nested too deeply"),
    "no date": (
        b"a: 2026-13-01\n",
        "a value in it is invalid (month must be in 1..12)",
    ),
    "a number of 5,000 digits": (b"a: " + b"1" * 5000, "invalid (Exceeds the limit"),
    "a number of none": (b"a: !!int ''\n", "invalid (string index"),
    "Latin-1": (b"a: \xe9t\xe9\n", "byte 4 is not UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), "byte 1 is not UTF-8"),
    "nothing": (b"# seed: 1\n", "it holds no keys"),
    "a list": (b"- seed: 1\n", "it holds no keys"),
}


@pytest.mark.parametrize(
    ("content", "reason"), UNREADABLE.values(), ids=list(UNREADABLE)
)
def test_a_file_that_cannot_be_read_gets_one_line(content, reason, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(ThawError) as caught:
        read(file)
    _, line = str(caught.value).splitlines()
    assert line.startswith(f"  {file}: cannot be read as a config: ")
    assert reason in line


def test_what_is_not_a_file_gets_one_line(tmp_path):
    for name, reason in (
        (".", "Is a directory"),
        ("missing.yaml", "No such file"),
        ("n" * 300, "File name too long"),
    ):
        with pytest.raises(ThawError, match=reason):
            read(tmp_path / name)


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("variants:\n  a: {freeze: 1}\n  b: {}\n  a: {freeze: 2}\n")
    with pytest.raises(ThawError, match=r"variants\.a: is there twice, .* line 4"):
        read(path)


def test_a_number_that_yaml_takes_for_another_is_told(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: 017\nb: [00, '07', 1:30, 0, 0x1F, 0.5, 1_0]\n")
    with pytest.raises(ThawError) as caught:
        read(path)
    assert [line.split(" (line")[0].strip() for line in caught.value.args[1:]] == [
        "a: 017 is 15 to YAML",
        "b[0]: 00 is 0 to YAML",
        "b[2]: 1:30 is 90 to YAML",
    ]
    assert "(line 1 of" in caught.value.args[1]
    assert caught.value.args[1].endswith("; write 17, or '017' in quotes for text")


@pytest.mark.parametrize(
    "text",
    [
        "__use_yte__: true\nseed: ?1\n",
        "__use_yte__: false\n",
        '{"__use_yte__": true}',
        "base: &base {'__use_yte__': true}\n<<: *base\n",
    ],
)
def test_a_config_that_would_run_python_is_refused(text, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ThawError, match="__use_yte__: Thaw runs no Python from"):
        read(file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.yaml", "a: &a {freeze: 1}\nb: {<<: *a, freeze: 2}\nc: [*a, *a]\n"),
        ("config.yaml", "\ufeffseed: 1\n"),
        ("config.json", '{\n\t"seed":\t1\n}'),
    ],
)
def test_a_file_that_can_be_read_passes(name, text, tmp_path):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    read(file)


def test_a_folder_with_a_config_takes_its_own_and_else_the_default(tmp_path):
    default, own = tmp_path / "default.yaml", tmp_path / "config.yaml"
    assert choose_file(tmp_path, default) == default
    for file in (own, tmp_path / "config.yml"):
        file.write_text("seed: 1\n")
    assert choose_file(tmp_path, default) == own


def test_a_link_to_nowhere_is_taken_and_not_read(tmp_path):
    (tmp_path / "config.yaml").symlink_to(tmp_path / "gone.yaml")
    file = choose_file(tmp_path, tmp_path / "default.yaml")
    with pytest.raises(ThawError, match=r"config\.yaml: cannot .* No such file"):
        read(file)


def test_a_config_yml_is_not_passed_over(tmp_path):
    other = tmp_path / "config.yml"
    other.write_text("seed: 1\n")
    with pytest.raises(ThawError, match=r"config\.yml is not read; name it config\.ya"):
        choose_file(tmp_path, tmp_path / "default.yaml")
    # Named with --configfile, it is read all the same.
    assert choose_file(tmp_path, tmp_path / "default.yaml", [other]) == other


def test_a_file_that_is_named_is_merged_into_the_folders_own_only(tmp_path):
    default, own, named = (tmp_path / f"{n}.yaml" for n in ("default", "config", "one"))
    assert choose_file(tmp_path, default, [named, own]) == named
    own.write_text("seed: 1\n")
    assert choose_file(tmp_path, default, [named]) == own


def test_numbers_and_booleans_in_groups_on_the_command_line_are_such():
    # As Snakemake reads `training={epochs: 50, …}`, merged into the file's.
    commanded = {
        "seed": 2,
        "title": "3",
        "training": {
            **{"epochs": "50", "learning_rate": ["0.1", "0.2"]},
            "nesterov": "true",
        },
        "studies": {"ahead": {"target_sizes": ["5", "all"], "source": "[1"}},
    }
    config = {
        **{"seed": 2, "title": "3", "margin": 0.1},
        "training": commanded["training"] | {"batch_size": 8, "keep": "1"},
        "studies": commanded["studies"] | {"back": {"source": "7"}},
    }
    assert with_values_read(config, commanded) == {
        **{"seed": 2, "title": "3", "margin": 0.1},
        "training": {
            **{"epochs": 50, "learning_rate": [0.1, 0.2], "nesterov": True},
            **{"batch_size": 8, "keep": "1"},
        },
        "studies": {
            "ahead": {"target_sizes": [5, "all"], "source": "[1"},
            "back": {"source": "7"},
        },
    }


def test_a_run_takes_a_named_file_alone_and_numbers_in_groups(tmp_path):
    named = tmp_path / "one.yaml"
    named.write_text(yaml.safe_dump(SMALL_CONFIG))
    (tmp_path / "empty").mkdir()
    project = Project(tmp_path / "empty")
    done = project.snakemake(
        *("-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(named)),
        *("--config", "training={epochs: 50}"),
    )
    said = done.stdout + done.stderr
    assert f"The config is {named}. " in said
    assert "ahead: new; " in said
    assert "forward" not in said

    done = project.snakemake(
        *("-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(named)),
        *("--config", "training={epochs: -50}"),
        check=False,
    )
    assert done.returncode == 1
    words = (
        "error: the config is wrong:\n  training.epochs: -50 is too small. Allowed: "
    )
    assert words in done.stderr
    assert "WorkflowError" not in done.stderr
