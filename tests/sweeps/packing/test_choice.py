"""What `launcher=auto` chooses, and what the options do to it."""

from collections.abc import Callable, Sequence

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.errors import BadInput
from bnlab.sweeps.job import Job, Jobs
from bnlab.sweeps.layout.plugin import register
from bnlab.sweeps.packing.choice import LARGE, Choice, Machine, Size, choose, gain

CPU = Machine("cpu", 4, 0, 8 * 2**30, 15.0)
GPUS = Machine("cuda", 16, 2, 8 * 2**30, 15.0)
MEASURED = {  # benchmarks/results.md: how many times as fast
    Size(100_000, 6_000_000): 1.79,
    Size(100_000, 1_600_000): 2.60,
    Size(400_000, 25_000_000): 1.06,
}
SMALL = Size(100_000, 6_000_000)

Make = Callable[..., list[Job]]


@pytest.fixture(scope="module")
def make() -> Make:
    """Jobs of the overrides, one for each of so many seeds."""
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composer = Composer(GlobalHydra.instance().config_loader())

    def jobs(*overrides: str, seeds: int = 8) -> list[Job]:
        factory = Jobs()
        lists = [["data=gaussian", *overrides, f"seed={seed}"] for seed in range(seeds)]
        return [factory.job(composer.compose(one), one) for one in lists]

    return jobs


def chosen(jobs: Sequence[Job], machine: Machine = CPU, size: Size = SMALL, seconds: float | None = 1000.0) -> Choice:
    return choose(jobs, machine, lambda _: size, lambda: seconds)


def together(choice: Choice, jobs: Sequence[Job]) -> int:
    return choice.together(jobs[0])


def test_small_nets_are_trained_together_and_each_process_has_a_pack(make: Make) -> None:
    jobs = make(seeds=40)
    long = chosen(jobs)
    assert (long.workers, together(long, jobs)) == (4, 10)
    short = chosen(jobs, seconds=10.0)
    assert (short.workers, together(short, jobs)) == (0, 32)
    assert "too short" in short.why
    unknown = chosen(jobs, seconds=None)
    assert unknown.workers == 0
    one_core = chosen(jobs, CPU._replace(cores=1))
    assert (one_core.workers, together(one_core, jobs)) == (0, 32)


@pytest.mark.parametrize("model", ["cnn", "vgg", "resnet", "resnet18"])
def test_convolutions_are_not_on_a_cpu_and_are_on_a_gpu(make: Make, model: str) -> None:
    jobs = make("data.shape=[3,8,8]", f"model={model}")
    cpu = chosen(jobs)
    assert (cpu.workers, together(cpu, jobs)) == (4, 1)
    assert "convolutions" in cpu.why
    gpu = chosen(jobs, GPUS)
    assert (gpu.workers, together(gpu, jobs)) == (2, 4)
    asked = make("data.shape=[3,8,8]", f"model={model}", "launcher=fused")
    forced = chosen(asked)
    assert (forced.workers, together(forced, asked)) == (0, 8)


def test_large_nets_are_not(make: Make) -> None:
    jobs = make()
    large = chosen(jobs, size=Size(10**7, LARGE))
    assert together(large, jobs) == 1
    assert "large" in large.why
    fitting = chosen(jobs, CPU._replace(memory=2**30), size=Size(10**7, LARGE - 1), seconds=1.0)
    assert together(fitting, jobs) == 1
    assert "memory" in fitting.why


def test_what_differs_in_more_than_rates_is_not(make: Make) -> None:
    jobs = [make(f"data.batch_size={size}", seeds=1)[0] for size in (8, 16, 32)]
    choice = chosen(jobs, seconds=1.0)
    assert {choice.together(job) for job in jobs} == {1}
    assert "one by one" in choice.why


@pytest.mark.parametrize(
    ("words", "workers", "size"),
    [
        (["launcher=serial"], 0, 1),
        (["launcher=processes"], 4, 1),
        (["launcher=processes", "sweep.workers=2", "sweep.pack_size=4"], 2, 4),
        (["launcher=fused"], 0, 8),
        (["launcher=fused", "sweep.workers=2"], 2, 4),
        (["launcher=fused", "sweep.pack_size=3"], 0, 3),
        (["sweep.workers=8"], 8, 1),
        (["sweep.pack_size=2"], 4, 2),
    ],
)
def test_the_options_decide(make: Make, words: list[str], workers: int, size: int) -> None:
    jobs = make(*words)
    choice = chosen(jobs)
    assert (choice.workers, together(choice, jobs)) == (workers, size)


def test_options_that_exclude_each_other(make: Make) -> None:
    with pytest.raises(BadInput, match=r"launcher=serial .* leave out sweep\.workers"):
        chosen(make("launcher=serial", "sweep.pack_size=2"))


def test_what_packs_gain_is_near_what_was_measured() -> None:
    for size, times in MEASURED.items():
        assert gain(size) == pytest.approx(times, rel=0.15)
    assert (gain(Size(10**7, LARGE - 1)), gain(None), gain(Size(1, 1))) == (1, 1.5, 4)
