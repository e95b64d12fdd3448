"""Shared by the tests: projects that have run, and small problems."""

from pathlib import Path

import numpy as np
import pytest

from projects import SMALL_CONFIG, Project, Store, new_project

pytest_plugins = ["tiers", "pytester"]


@pytest.fixture(scope="session")
def store(tmp_path_factory, worker_id):
    """Finished projects, shared by all processes of this run of the tests."""
    parent = tmp_path_factory.getbasetemp()
    # With several processes, each has its own folder in that of the run.
    parent = parent if worker_id == "master" else parent.parent
    shared = Store(parent / "store")
    shared.folder.mkdir(exist_ok=True)
    yield shared
    shared.assert_untouched()


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A project in which nothing has run."""
    return new_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished_once(store) -> Project:
    """A project that a real run finished; tests only read it."""
    return store.finished(SMALL_CONFIG, snakemake=True)


@pytest.fixture
def finished(finished_once, tmp_path) -> Project:
    """A copy of the finished project, to change."""
    return finished_once.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def saved_once(store) -> Project:
    """Studies of a table, up to their tables, with saved networks of every kind."""
    import saved

    studies = [f"results/{study}/study.json" for study in saved.CONFIG["studies"]]
    return store.finished(saved.CONFIG, *studies, write=saved.write)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with files of all kinds that configs name."""
    from configs import write_files

    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def problem():
    """A small problem with three classes."""
    from thaw.data.problem import Problem

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = rng.normal(size=(90, 2)) + 2 * np.stack([y == 1, y == 2], axis=1)
    x = x.astype(np.float32)
    rows = np.arange(1, 91)
    return Problem(
        *(x[:50], y[:50], x[50:], y[50:], rows[50:], 3),
        train_digests=rows[:50].astype(np.uint64),
        test_digests=rows[50:].astype(np.uint64),
    )


@pytest.fixture(scope="session")
def images():
    """Rows of 16 features, which are images of 4 by 4, in three classes."""
    from thaw.data.problem import Problem

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    x = rng.normal(size=(600, 16)).astype(np.float32)
    x[:, 5] += 2 * y
    return Problem(x[:300], y[:300], x[300:], y[300:], np.arange(301, 601), 3)
