"""What a sweep would do."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.config.identity import axes
from bnlab.errors import Refused
from bnlab.runs.lock import lock
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.job import Job, Jobs
from bnlab.sweeps.layout.plugin import register
from bnlab.sweeps.packing.choice import START, Machine, Size, gain
from bnlab.sweeps.planning import plan as planning
from bnlab.sweeps.planning.plan import Meter, plan

SMALL = ["model.depth=1", "model.width=8", "epochs=2", "device=cpu"]


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "machine", lambda device: Machine("cpu", 2, 0, 2**33, 15.0))


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., list[Job]]:
    """Jobs of each list of overrides, in the study tmp_path/main."""
    register()

    def make(*every: Sequence[str]) -> list[Job]:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            composer, made = Composer(hydra.config_loader), Jobs()
            lists = [[*SMALL, *one, f"output_dir={tmp_path}"] for one in every]
            return [made.job(composer.compose(one), one) for one in lists]

    return make


def leave(
    job: Job, status: str, seconds: float | None = None, cause: str | None = None, pack: str | None = None
) -> None:
    """The job's folder as a run leaves it that has come to this, alone or in a pack."""
    execution = {"executor": "serial"} if pack is None else {"executor": "fused", "pack": pack}
    with RunWriter(job.folder) as writer:
        writer.create("seed: 0\n", {"run_id": job.run_id, "axes": axes(job.config), "execution": execution})
        writer.append("steps", [{"step": 100, "epoch": 2}])
        writer.update(status=status, seconds=seconds, cause=cause)


class Fixed(Meter):
    """Says that a run takes a second, and that norm=layer cannot work."""

    def __init__(self) -> None:
        pass

    def size(self, job: Job) -> Size:
        return Size(1000, 1000)

    def seconds(self, job: Job) -> float:
        if job.config.norm["name"] == "layer":
            raise Refused("not here")
        return 1.0


def test_states_are_those_of_the_folders(jobs: Callable[..., list[Job]]) -> None:
    all_ = jobs(*([f"seed={n}"] for n in range(8)))
    for job, status in zip(all_, ("complete", "diverged", "refused", "failed", "running", "running"), strict=False):
        leave(job, status, cause=f"it was {status}")
    with lock(all_[5].folder):
        found = plan(all_, 9)
    assert found.states == {
        "complete": 1, "diverged": 1, "refused": 1, "failed": 1, "interrupted": 1, "running": 1, "new": 2
    }  # fmt: skip
    assert found.waiting == 4  # what is done stays, what has failed waits for sweep.retry=failed
    assert found.causes == {"refused": ["it was refused"], "failed": ["it was failed"]}
    assert [len(pack.jobs) for pack in found.packs] == [2, 2]  # one for each core


def test_what_failed_is_planned_where_it_is_asked_for(jobs: Callable[..., list[Job]]) -> None:
    all_ = jobs(*([f"seed={n}", "sweep.retry=failed"] for n in range(3)))
    leave(all_[0], "failed", cause="x")
    leave(all_[1], "complete")
    assert [job.run_id for pack in plan(all_, 3).packs for job in pack.jobs] == [all_[0].run_id]


def test_groups_differ_in_more_than_seed_and_rate(jobs: Callable[..., list[Job]]) -> None:
    every = [
        [f"norm={norm}", f"model.width={w}", f"seed={s}", f"optim.lr={lr}"]
        for norm in ("none", "batch") for w in (8, 9) for s in (0, 1) for lr in (0.1, 1)
    ]  # fmt: skip
    found = plan(jobs(*every), len(every))
    assert [(group.name, len(group.jobs)) for group in found.groups] == [
        (f"norm={norm} width={w}", 4) for norm in ("none", "batch") for w in (8, 9)
    ]
    assert found.unsure
    assert (found.known, found.size) == (0, None)


def test_time_and_disk_by_earlier_runs(jobs: Callable[..., list[Job]]) -> None:
    all_ = jobs(*([f"norm={norm}", f"seed={n}"] for norm in ("none", "batch") for n in range(5)))
    leave(all_[0], "complete", seconds=30.0)
    found = plan(all_, 10)
    assert found.known == found.waiting == 9
    none, batch = found.groups
    assert none.seconds == pytest.approx(30.0 / gain(None))  # it was trained alone, and they go together
    assert (none.source, batch.source) == ("1 run", "1 similar run")
    assert found.choice is not None
    assert found.choice.workers == 2  # long enough for worker processes to pay
    assert found.seconds == pytest.approx(START + 9 * 30 / gain(None) / 2)
    assert found.size == pytest.approx(9 * sum(path.stat().st_size for path in all_[0].folder.iterdir()))


@pytest.mark.parametrize("now", ["serial", "fused"])
@pytest.mark.parametrize("then", ["serial", "fused"])
def test_what_packs_took_is_told_for_runs_alone_and_the_other_way_round(
    jobs: Callable[..., list[Job]], then: str, now: str
) -> None:
    all_ = jobs(*([f"launcher={now}", f"seed={n}"] for n in range(6)))
    for job in all_[:2]:
        leave(job, "complete", seconds=20.0 if then == "fused" else 10.0, pack="p" if then == "fused" else None)
    (group,) = plan(all_, 6).groups
    factor = {("serial", "fused"): 1 / gain(None), ("fused", "serial"): gain(None)}.get((then, now), 1.0)
    assert group.seconds == pytest.approx(10.0 * factor)


def test_measured(jobs: Callable[..., list[Job]]) -> None:
    told: list[tuple[int, int]] = []
    all_ = jobs(*([f"norm={norm}", f"seed={n}"] for norm in ("none", "layer", "batch") for n in range(4)))
    leave(all_[0], "complete", seconds=300.0)
    found = plan(all_, 12, Fixed(), lambda n, total: told.append((n, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert [group.refused for group in found.groups] == [None, "not here", None]
    assert found.waiting == 7
    assert not found.unsure
    assert found.seconds == pytest.approx(7.0 / gain(Size(1000, 1000)))  # 1 s each alone, and they go together
    assert [group.source for group in found.groups] == ["measured", "1 similar run", "measured"]
    assert all(job.config.norm["name"] != "layer" for pack in found.packs for job in pack.jobs)


def test_the_meter_times_what_trains_and_refuses_what_cannot(jobs: Callable[..., list[Job]]) -> None:
    good, bad = jobs([], ["norm=group", "norm.groups=3"])
    meter = Meter()
    assert 0 < meter.seconds(good) < 60
    with pytest.raises(Refused, match=r"norm\.groups=3"):
        meter.seconds(bad)
    assert not good.study.exists()


def test_nothing_to_train(jobs: Callable[..., list[Job]]) -> None:
    (job,) = jobs([])
    leave(job, "complete")
    found = plan([job], 1)
    assert (found.waiting, found.choice, found.packs, found.seconds) == (0, None, [], 0.0)
