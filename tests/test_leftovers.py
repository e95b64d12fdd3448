"""Leftovers: files that a config no longer uses are listed, and deleted on request."""

import re
from collections import Counter

from configs import plan_of
from thaw.plan.leftovers import leftovers


def listed(project):
    """Return how many leftovers lie in each folder, with keys replaced."""
    results = project.folder / "results"
    paths = [*leftovers(plan_of(project.config), results)]
    folders = [path.relative_to(results).parent.as_posix() for path in paths]
    return Counter(re.sub("-[0-9a-f]{12}", "-KEY", folder) for folder in folders)


def test_the_only_copy_is_no_leftover(finished):
    """That of jobs that are cut differently now, which train nothing."""
    assert not listed(finished)
    finished.change("studies", "back", "repeats_per_job", to=1)
    assert not finished.stale() and not listed(finished)


def test_leftovers_of_studies_variants_repeats_and_kills_are_deleted(finished):
    config = finished.config
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"].remove("fixed-0")
    config["variants"]["fixed-1"]["fresh"] = ["output"]
    config["studies"]["ahead"]["repeats"] = 1
    finished.config = config
    results = finished.folder / "results"
    (results / "repeats/.stray.0123456789abcdef.npz").write_text("not a name of Thaw's")
    (results / "ahead/.scores.0123456789abcdef.csv").write_text("half a ta")
    (results / "ahead/notes.txt").write_text("mine")

    counts = listed(finished)
    # Two jobs a variant, three files a job; of standalone, the second job.
    assert counts["repeats/two/fixed-0-KEY"] == counts["repeats/two/fixed-1-KEY"] == 6
    assert counts["repeats/two/standalone-KEY"] == 3
    assert counts["source-models/two-KEY"] == 8
    assert counts["ahead"] == 1
    assert "back/records" in counts and "source-models/one-KEY" not in counts

    finished.make("tables")
    before = finished.results("**/*.*")
    finished.make("delete_leftovers")
    after = finished.results("**/*.*")
    assert after == {name: before[name] for name in after}
    assert {"ahead/notes.txt", "repeats/.stray.0123456789abcdef.npz"} <= after.keys()
    assert not re.search("back/|ahead/[.]|fixed-0|repeats-01-01", " ".join(after))
    assert not (results / "back").exists()
    assert not finished.stale("tables") and not listed(finished)
