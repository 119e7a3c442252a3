"""bnlab's sweeper and launcher as Hydra plugins.

Hydra accepts plugins only from modules below `hydra_plugins`. A module on disk would be imported by every Hydra
application in the environment, so the module is created here when bnlab starts.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bnlab.config import yamls
from bnlab.config.compose import Composer
from bnlab.config.excerpt import excerpt
from bnlab.config.grammar import unquoted
from bnlab.config.mistakes import COMPLAINTS, is_complaint, translate
from bnlab.config.validate import sweep_options
from bnlab.errors import BadInput
from bnlab.sweeps.layout import grid
from bnlab.sweeps.layout.combinations import axes, check_size, lay_out

MODULE = "hydra_plugins.bnlab_plugin"


class GridSweeper(Sweeper):
    """Hydra sweeper that passes every combination of values (`bnlab.sweeps.layout.grid`) to the launcher in one batch.

    The launcher checks the composed configs.
    """

    def __init__(self, params: Any = None, sweeps: Any = None, scales: Any = None) -> None:
        self._grid = (params, sweeps, scales)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._loader = hydra_context.config_loader
        self._limit = sweep_options(config.sweep)["max_runs"]
        target = str((config.hydra.launcher or {}).get("_target_"))
        if target not in {f"{kind.__module__}.{kind.__qualname__}" for kind in Plugins.instance().discover(Launcher)}:
            raise BadInput(f"hydra/launcher: {excerpt(target)} is not an installed launcher: leave it out")
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        parser = OverridesParser.create(config_loader=self._loader)
        try:
            given = {one.key_or_group: one for one in parser.parse_overrides(arguments)}
            scale, experiment = (_value(given.get(key)) for key in ("scale", "experiment"))
            rest = [one.input_line or "" for key, one in given.items() if key != "scale"]
            products = [
                axes(parser.parse_overrides([*product, *grid.folder(experiment, scale), *rest]), self._choices)
                for product in grid.products(*self._grid, scale)
            ]
            check_size(products, self._limit)
            batch = [words for product in products for words in lay_out(product)]
        except (*COMPLAINTS, ValueError) as error:
            if not is_complaint(error):
                raise
            raise translate(error) from None
        return self._launcher.launch(batch, initial_job_idx=0)

    def _choices(self, group: str) -> Sequence[str]:
        return self._loader.get_group_options(group)


def _value(override: Override | None) -> str | None:
    """Return the value of an override as written; None if it is missing or null."""
    written = "" if override is None else (override.input_line or "").partition("=")[2]
    return unquoted(written) if written not in ("", "null") else None


class BnlabLauncher(Launcher):
    """Hydra launcher that trains the batch as a whole, see `bnlab.sweeps.sweep`."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        self._loader, self._task = hydra_context.config_loader, task_function

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        batch = getattr(self._task, "batch", None)
        if batch is None:
            raise BadInput("hydra/launcher=bnlab is for sweeps: use `bnlab sweep` instead of --multirun")
        result = JobReturn(status=JobStatus.COMPLETED)
        result.return_value = batch(Composer(self._loader), job_overrides)
        return [result]


@dataclass
class SweeperConfig:
    _target_: str = f"{MODULE}.GridSweeper"
    params: Any = None
    sweeps: Any = None
    scales: Any = None


@dataclass
class LauncherConfig:
    _target_: str = f"{MODULE}.BnlabLauncher"


def register() -> None:
    """Register `hydra/sweeper=bnlab` and `hydra/launcher=bnlab` in this process, and have configs checked."""
    if MODULE in sys.modules:
        return
    module = ModuleType(MODULE)
    for kind in (GridSweeper, BnlabLauncher):
        plugin = type(kind.__name__, (kind,), {"__module__": MODULE})
        setattr(module, kind.__name__, plugin)
        Plugins.instance().register(plugin)
    yamls.register()
    sys.modules[MODULE] = module
    try:
        parent = import_module("hydra_plugins")
    except ModuleNotFoundError:  # no other plugin is installed
        parent = sys.modules["hydra_plugins"] = ModuleType("hydra_plugins")
        parent.__path__ = []
    setattr(parent, MODULE.rpartition(".")[2], module)
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="bnlab", node=SweeperConfig, provider="bnlab")
    store.store(group="hydra/launcher", name="bnlab", node=LauncherConfig, provider="bnlab")
