"""The answer in words, for every kind of study that one may ask about."""

import re

import numpy as np
import pandas as pd
import pytest

from thaw.findings.answer import answer
from thaw.findings.arms import Arm
from thaw.findings.gains import Study
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.findings.verdicts import MODELS_FAILED
from thaw.output.paths import CHECKPOINTS
from thaw.stages.compare import comparisons, depths_table
from thaw.stages.gains_by_epoch import COLUMNS as GAINS_BY_EPOCH
from thaw.stages.summarize import Chosen, summary

SCRATCH = {"pretrained": False}
LADDER = {"standalone": SCRATCH, "fixed-0": {}, "fixed-1": {"freeze": 1}}
RANDOM = {"pretrained": False, "freeze": 1}


def scores(mean, models=30, each=2, failed=0.0, spread=0.01, seed=0):
    """Return the scores of a variant; without source models where there are none."""
    rng = np.random.default_rng(seed)
    count = max(models, 1) * each
    values = mean + spread * rng.normal(size=count)
    lost = np.arange(count) < failed * count
    numbers = np.arange(count) % models if models else None
    return Sample(np.where(lost, 0.4, values), numbers, lost)


def alone(mean, **options):
    return scores(mean, models=0, each=60, seed=9, **options)


def said(found, variants=LADDER, change=lambda table: table, **asked):
    """Return the answer to a study of these samples, by target size and variant."""
    if not isinstance(next(iter(found.values())), dict):
        found = {"all": found}
    baseline = asked.pop("baseline", "standalone")
    depths = {
        name: variant.get("freeze", 0)
        for name, variant in variants.items()
        if variant.get("pretrained", True) and not variant.get("fresh")
    }
    metric = asked.pop("metric", "accuracy")
    by_epoch = pd.DataFrame(asked.pop("by_epoch", []), columns=GAINS_BY_EPOCH)
    study = Study(
        source=asked.pop("source", "one"),
        target="two",
        variants=variants,
        baseline=baseline,
        target_sizes=list(found),
        depths=depths,
        metric=metric,
        margin=0.01,
        tuned=asked.pop("tuned", []),
        repeats=60,
        source_models=asked.pop("source_models", 30),
    )
    pairs = [(name, baseline) for name in variants if name != baseline]
    pairs += asked.pop("pairs", [])
    table = change(comparisons(found, pairs, baseline, 0.01))
    arms = {
        Arm(name, size): sample
        for size, samples in found.items()
        for name, sample in samples.items()
    }
    losses = asked.pop("validation_losses", {})
    chosen = {Arm(*arm): Chosen(0.1, 5, loss) for arm, loss in losses.items()}
    table_of_scores = summary(arms, METRICS[metric], 0.5, chosen)
    return "\n".join(
        answer(study, table, depths_table(found, depths), table_of_scores, by_epoch)
    )


def test_a_verdict_that_hangs_on_the_budget():
    rows = [
        ("fixed-0", "standalone", epoch, epoch, gain, gain - 0.01, gain + 0.01, verdict)
        for epoch, gain, verdict in (
            (0, 0.1, "typically better"),
            (50, 0.05, "typically better"),
            (100, 0.0, "no clear difference"),
        )
    ]
    text = said(ladder(0.8, 0.8, 0.8), by_epoch=rows)
    assert (
        "half-way, after 50 epochs, it was fixed-0 typically better +0.050 (+0.040 to "
        "+0.060)."
    ) in text
    assert "half-way" not in said(ladder(0.8, 0.8, 0.8), by_epoch=rows[2:] * 3)


def ladder(standalone, fixed_0, fixed_1, **options):
    return {
        "standalone": alone(standalone),
        "fixed-0": scores(fixed_0, seed=1, **options),
        "fixed-1": scores(fixed_1, seed=2, **options),
    }


LOST = ladder(0.5, 0.5, 0.5)


def test_it_helps_and_freezing_pays():
    text = said(ladder(0.7, 0.75, 0.8))
    assert "Transfer typically helps. Typically better: fixed-0 +0.0" in text
    assert "To freeze 1 layer is not typically worse than the best depth" in text
    assert "What varied: 30 source models and 60 repeats. Given: these data" in text
    assert "rows" not in text
    assert "surely above" not in text


def test_the_best_depth_on_average_is_said_where_it_is_another():
    assert "on average" not in said(ladder(0.7, 0.75, 0.9)).lower()
    rash = scores(0.82, seed=2)
    models = rash.source_models % 5 == 0
    rash = rash._replace(values=np.where(models, 0.3, rash.values))
    found = ladder(0.7, 0.8, 0.8, spread=0.005) | {"fixed-1": rash}
    text = said(found)
    assert "To freeze 1 layer is not typically worse than the best" in text
    assert (
        "On average, on which the worst networks weigh, only to freeze 0 layers may be "
        "the best."
    ) in text
    swept = said({20: found, 50: found})
    assert "From 20 and 50 rows, on average, on which" in swept


def test_the_best_depth_is_named_by_validation_rows():
    found = ladder(0.7, 0.8, 0.8)
    losses = {("fixed-0", "all"): 0.5, ("fixed-1", "all"): 0.4}
    best = "By the loss on validation rows (median over repeats), to freeze 1 layer is"
    assert best in said(found, validation_losses=losses)
    one_not = {("fixed-0", "all"): 0.5}
    diverged = dict.fromkeys(losses, np.inf)
    for unknown in ({}, one_not, diverged):
        assert "validation" not in said(found, validation_losses=unknown)
    losses = {
        (name, size): loss for (name, _), loss in losses.items() for size in (9, 99)
    }
    swept = said({9: found, 99: found}, validation_losses=losses)
    assert "From 9 and 99 rows, by the loss on validation rows" in swept
    few = ladder(0.7, 0.8, 0.8, models=4)
    assert "validation rows" not in said({9: few, 99: few}, validation_losses=losses)


def test_it_hurts():
    text = said(ladder(0.8, 0.75, 0.7))
    assert "Transfer typically hurts. Typically worse: fixed-0 -0.0" in text
    assert "To freeze 0 layers is not typically worse" in text


def test_it_hurts_at_some_depth_only():
    text = said(ladder(0.8, 0.8, 0.7, spread=0.001))
    assert "not found to help, and hurts with some variants. Equivalent within" in text
    assert "typically worse: fixed-1 -0." in text


def test_it_depends_on_the_depth():
    text = said(ladder(0.75, 0.8, 0.7))
    assert "Whether transfer helps depends on the variant. Typically better: " in text
    assert "typically worse: fixed-1 -0.0" in text


def test_equivalent():
    text = said(ladder(0.8, 0.8, 0.8, spread=0.001))
    assert "Transfer makes no difference that matters (±0.01)" in text
    assert "How many layers to freeze is not clear: no depth is out." in text


def test_unclear():
    text = said(ladder(0.8, 0.8, 0.8, spread=0.2))
    assert "Whether transfer helps is not clear. No clear difference: fixed-0 " in text


def test_saturated():
    same = {
        name: sample._replace(values=np.ones(60))
        for name, sample in ladder(1, 1, 1).items()
    }
    assert "Transfer makes no difference that matters" in said(same)


def test_no_standalone():
    variants = {"fixed-0": {}, "fixed-1": {"freeze": 1}}
    found = {name: scores(0.8, seed=n) for n, name in enumerate(variants)}
    text = said(found, variants, baseline="fixed-0")
    assert "compared with fixed-0, which starts from source models itself" in text
    assert "Transfer typically" not in text


def test_only_standalone():
    text = said({"standalone": alone(0.8)}, {"standalone": SCRATCH})
    assert "No variant starts from a source model" in text
    assert "What varied: 60 repeats. Given: these data and this split." in text


def test_one_source_model():
    found = ladder(0.7, 0.75, 0.8, models=1, each=60)
    text = said(found, source_models=1)
    assert "Transfer typically helps" in text
    assert "What varied: 60 repeats." in text
    assert "the one source model that was drawn; another one may turn" in text


def test_two_source_models():
    text = said(ladder(0.7, 0.75, 0.8, models=2, each=30), source_models=2)
    assert (
        "There is no verdict on whether transfer helps. Too few source models" in text
    )
    assert "2 of the 7 it takes: fixed-0 +0.0" in text


def test_more_source_models_than_repeats():
    text = said(ladder(0.7, 0.75, 0.8, models=30, each=1), source_models=100)
    assert "Transfer typically helps" in text


@pytest.mark.parametrize(("share", "shown"), [(0.2, "20 %"), (0.5, "50 %")])
def test_failed_networks_are_said(share, shown):
    found = ladder(0.7, 0.75, 0.8)
    found["fixed-1"] = scores(0.8, failed=share, seed=2)
    text = said(found)
    assert f"Networks failed ({shown} of fixed-1's): scale the inputs" in text


def test_better_but_fails_more_often():
    found = ladder(0.7, 0.75, 0.8, models=100)
    found["fixed-1"] = scores(0.8, models=100, failed=0.3, seed=2)
    text = said(found, source_models=100)
    assert "Transfer typically helps" in text
    assert "Networks of fixed-1 fail more often than standalone's." in text
    text = " ".join(said({20: found, 50: found}, source_models=100).split())
    assert "of fixed-1 from 20 and 50 rows fail more often than standalone's." in text


def test_all_networks_failed():
    found = {
        name: sample._replace(failed=np.ones(60, bool))
        for name, sample in ladder(0.4, 0.4, 0.4).items()
    }
    text = said(found)
    assert (
        "no verdict on whether transfer helps. No verdict: all networks failed" in text
    )
    assert "Networks failed (100 % of standalone's, 100 % of fixed-0's" in text
    assert "How many layers" not in text


def test_all_source_models_failed():
    def lose(table):
        return table.assign(verdict=MODELS_FAILED)

    text = said(ladder(0.7, 0.75, 0.8), change=lose)
    assert "no verdict on whether transfer helps. No verdict: all source models" in text
    assert "Transfer typically" not in text


def test_the_sign_turns_with_the_size():
    sizes = {
        20: ladder(0.5, 0.7, 0.72),
        50: ladder(0.6, 0.7, 0.72),
        "all": ladder(0.8, 0.75, 0.72),
    }
    text = said(sizes)
    words = " ".join(text.split())
    assert "From 20 and 50 rows: transfer typically helps; from 20, most with" in words
    assert "most with fixed-1: +0.2" in words
    assert "From all rows: transfer typically hurts, most with fixed-1: -0.0" in words
    assert "The gain falls below the margin of 0.01 between 50 rows" in text
    assert "and all, where it is surely below." in text
    assert "the rows that each repeat drew" in text


def test_it_depends_on_the_depth_at_some_sizes():
    text = said({20: ladder(0.5, 0.7, 0.7), 50: ladder(0.75, 0.8, 0.7)})
    words = " ".join(text.split())
    assert (
        "From 50 rows: whether transfer helps depends on the variant: fixed-0 +0.0"
        in words
    )
    assert "and fixed-1 -0.0" in words


def test_the_gain_lasts_to_the_largest_size():
    text = said({20: ladder(0.5, 0.7, 0.72), 50: ladder(0.6, 0.7, 0.72)})
    assert "surely above the margin of 0.01 up to the largest size, 50 rows" in text


def test_the_gain_is_lost_from_sight():
    last = ladder(0.8, 0.8, 0.8, spread=0.2)
    text = said({20: ladder(0.5, 0.7, 0.72), 50: last})
    assert "surely above the margin of 0.01 up to 20 rows; where it falls" in text


def test_the_gain_is_above_where_that_of_any_variant_is():
    """Not only that of the one whose estimate is largest."""
    unsure = ladder(0.7, 0.722, 0.75, spread=0.002)
    unsure["fixed-1"] = scores(0.75, spread=0.2, seed=2)
    text = said({20: unsure, 50: unsure})
    assert "surely above the margin of 0.01 up to the largest size, 50" in text
    # Nor is it below where that of another one may be above.
    lost = ladder(0.8, 0.8, 0.8, spread=0.001) | {"fixed-1": unsure["fixed-1"]}
    text = said({20: unsure, 50: lost})
    assert "up to 20 rows; where it falls below, these sizes do not tell" in text


def test_a_size_at_which_all_failed_is_still_the_largest():
    nothing = {name: s._replace(failed=np.ones(60, bool)) for name, s in LOST.items()}
    text = said({20: ladder(0.5, 0.7, 0.72), 50: nothing})
    assert "up to 20 rows; where it falls below, these sizes do not tell" in text


def test_a_median_network_that_failed_has_no_size():
    found = ladder(0.7, 0.8, 0.7, spread=0.005)
    found["fixed-1"] = scores(0.7, failed=0.9, seed=2)
    text = said(found)
    assert "fixed-1 without a size, for so many networks failed" in text
    assert "inf" not in text.replace("half-way", "")
    assert "is ahead" not in text


def test_one_checkpoint_is_said_to_be_one():
    found = ladder(0.7, 0.75, 0.8, models=1, each=60)
    text = " ".join(said(found, source=CHECKPOINTS, source_models=1).split())
    assert "and the one checkpoint: nothing is said of others" in text
    text = said(ladder(0.7, 0.75, 0.8), source=CHECKPOINTS, source_models=30)
    assert "What varied: 30 checkpoints and 60 repeats." in text


def test_source_equals_target():
    text = said(ladder(0.7, 0.75, 0.8), source="two")
    assert "nothing foreign is transferred" in text


@pytest.mark.parametrize(
    ("mean", "verdict"), [(0.85, "typically worse -0.0"), (0.6, "typically better +")]
)
def test_random_layers(mean, verdict):
    found = ladder(0.7, 0.75, 0.8) | {"random-1": alone(mean)}
    variants = LADDER | {"random-1": RANDOM}
    text = " ".join(said(found, variants, pairs=[("fixed-1", "random-1")]).split())
    assert f"Beside frozen random layers (random-1), fixed-1: {verdict}" in text
    assert "Beside" not in said(found, variants)


def test_pairs_between_studies():
    found = ladder(0.7, 0.75, 0.8) | {"selfer/fixed-1": scores(0.85, seed=3)}
    text = said(found, pairs=[("fixed-1", "selfer/fixed-1")])
    assert "Beside selfer/fixed-1, fixed-1: typically worse -0.0" in text


def test_a_pair_has_one_sentence_for_all_sizes():
    selfer = {"selfer/fixed-1": scores(0.85, seed=3)}
    sizes = {20: ladder(0.5, 0.7, 0.8) | selfer, 50: ladder(0.5, 0.7, 0.8) | selfer}
    words = " ".join(said(sizes, pairs=[("fixed-1", "selfer/fixed-1")]).split())
    assert words.count("Beside selfer/fixed-1, fixed-1: ") == 1
    sentence = words.partition("Beside selfer/fixed-1, fixed-1: ")[2].partition(". ")[0]
    assert re.fullmatch(
        r"typically worse from 20 rows -0\.0\S+ \(.*\), from 50 rows -0\.0.*", sentence
    )


def test_too_few_source_models_for_so_many_sizes():
    few = ladder(0.7, 0.75, 0.8, models=7, each=8)
    text = " ".join(said({20: few, 50: few, "all": few}, source_models=7).split())
    assert "From 20, 50 and all rows: there is no verdict on whether transfer" in text
    assert "(too few source models: 7 of the 8 it takes)" in text
    assert "surely" not in text


def test_one_size_is_named():
    text = said({20: ladder(0.5, 0.7, 0.72)})
    assert "From 20 rows: transfer typically helps" in text
    assert "the rows that each repeat drew" in text
