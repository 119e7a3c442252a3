"""Choice of the number of workers."""

from collections.abc import Sequence

from bnlab.config.identity import axes
from bnlab.sweeps.job import Job
from bnlab.sweeps.planning.forecast import Forecast

MOST = 16  # workers, if their number is chosen
WORTH = 300.0  # seconds of training for which a further worker is started, if the time of the runs is known


def number(waiting: Sequence[Job]) -> int:
    """Return the number of workers for waiting runs: sweep.workers, else by their time; at most one a run."""
    asked = waiting[0].config.sweep["workers"]
    if asked is None:
        forecast = Forecast(waiting[0].study)
        costs = [forecast.cost(axes(job.config)) for job in waiting]
        known = [cost.seconds for cost in costs if cost is not None]
        asked = min(MOST, int(sum(known) / WORTH) + 1) if len(known) == len(costs) else MOST
    return min(asked, len(waiting))
