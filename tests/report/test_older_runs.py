"""Initial weights and data folders of runs, in studies of old and new versions."""

from typing import Any

import pytest

from bnlab.report.older_runs import shortest
from bnlab.report.reading import read
from bnlab.report.summary import warnings

PUBLISHED = "data:\n  name: mnist\n  root: {root}\n  download: true\n"
OWN = "data:\n  name: image_folder\n  root: {root}\n  size: 32\n"


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a/cats", "a/dogs"], ["cats", "dogs"]),
        (["/x/a/pics", "/x/b/pics/", "/x/c"], ["a/pics", "b/pics", "c"]),
        (["pics", "more/pics"], ["pics", "more/pics"]),
        (["pics", "pics/", "other"], ["pics", "pics", "other"]),
        ([".", "/", "a"], [".", "/", "a"]),
    ],
)
def test_paths_are_told_apart_by_their_last_parts(paths: list[str], found: list[str]) -> None:
    assert list(shortest(paths).values()) == found


def labels(study: Any, *configs: str | None, seeds: bool = False, **axes: Any) -> list[str]:
    """Return the conditions of old runs that differ only in their config.yaml, or also in their seed."""
    for seed, config in enumerate(configs):
        folder = study.run("batch", seed=seed if seeds else 0, axes=axes).folder
        if config is None:
            (folder / "config.yaml").unlink()
        else:
            (folder / "config.yaml").write_text(config)
    return [one.label for one in read([study.folder], 0.9, 0.05).conditions]


@pytest.mark.parametrize("seeds", [True, False])
def test_runs_that_began_with_others_are_told_apart(study: Any, seeds: bool) -> None:
    found = labels(study, "init_from: null\n", "init_from: outputs/a/1f\n", "init_from: /x/b/1f\n", seeds=seeds)
    assert sorted(found) == ["batch · a/1f", "batch · b/1f", "batch · init_from null"]


@pytest.mark.parametrize("seeds", [True, False])
def test_own_pictures_are_told_apart_by_their_folder(study: Any, seeds: bool) -> None:
    roots = ("x/cats", "x/dogs")
    found = labels(study, *(f"init_from: null\n{OWN.format(root=root)}" for root in roots), seeds=seeds)
    assert found == ["batch · root cats", "batch · root dogs"]


@pytest.mark.parametrize(("seeds", "found"), [(False, ["batch · root a", "batch · root b"]), (True, ["batch"])])
@pytest.mark.parametrize("axes", [{}, {"init_from": None}])
def test_published_data_are_one_wherever_they_lie_unless_runs_prove_the_contrary(
    study: Any, seeds: bool, found: list[str], axes: dict[str, Any]
) -> None:
    configs = [f"init_from: null\n{PUBLISHED.format(root=root)}" for root in "ab"]
    assert labels(study, *configs, seeds=seeds, **axes) == found


def test_older_and_newer_runs_of_one_root_are_one_condition(study: Any) -> None:
    study.run("batch", seed=0, axes={"init_from": None, "data.root": "pics"})
    assert labels(study, f"init_from: null\n{OWN.format(root='pics')}", axes={}) == ["batch"]


@pytest.mark.parametrize("config", [None, "", "[", "data: [a]\n", "init_from:\n  a: b\ndata:\n  root: [a]\n", "a" * 9])
def test_what_no_file_tells_is_said(study: Any, config: str | None) -> None:
    assert labels(study, config, config, config) == ["batch"]
    assert any(
        line.startswith("2 runs share condition, lr and seed with another, and run.json does not record the difference")
        for line in warnings(read([study.folder], 0.9, 0.05))
    )


def test_names_of_folders_do_nothing(study: Any) -> None:
    roots = ["x/\\u001b[31m" + "a" * 200, "y/[b](c)"]
    found = labels(study, *(f"init_from: null\n{OWN.format(root=chr(34) + root + chr(34))}" for root in roots))
    assert len(set(found)) == 2
    assert all(len(label) < 80 and "\x1b" not in label for label in found)
