"""`bnlab show`: print the net as built."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bnlab.terminal import Console, say

if TYPE_CHECKING:
    from bnlab.config.validate import Config

HELP = """\
usage: bnlab show [overrides]

Prints the layers and sites in forward order, each with its norm, the output shape for one example, and the number of
parameters. Trains nothing.

  bnlab show model=cnn norm=group placement=after_act

"""


def run(words: Sequence[str]) -> int:
    """Print the net and return the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    from omegaconf import DictConfig

    def task(config: DictConfig) -> None:
        from bnlab.config.validate import validate

        show(validate(hydra.composed(config)))

    hydra.call(task, words)
    return 0


def show(config: "Config") -> None:
    """Print the net of a config."""
    from rich.table import Table

    from bnlab.config import build
    from bnlab.config.source import source
    from bnlab.models.describe import layers, site_rows

    found = source(config)
    console = Console()
    for note in found.notes():
        console.print(note, soft_wrap=True)
    data = build.tensors(config, found)
    net, shapes = build.model(config, data)
    table = Table(box=None, header_style="bold")
    for heading in ("layer", "kind", "norm", "output", "parameters"):
        table.add_column(heading, justify="right" if heading == "parameters" else "left", overflow="fold")
    for layer in layers(net, data.common.batch_size):
        shape = "x".join(map(str, layer.shape))
        table.add_row(layer.path, layer.kind, layer.norm, shape, f"{layer.n_params:,}" if layer.n_params else "")
    n_params = sum(p.numel() for p in net.parameters())
    where = ", ".join(sorted({row["kind"] for row in site_rows(net, shapes) if row["norm"]})) or "nowhere"
    shape = "x".join(map(str, data.shape))
    console.print(
        f"{config.model['name']} on {config.data['name']} ({shape}, {data.outputs} outputs), "
        f"norm {config.norm['name']} at {where}: {n_params:,} parameters"
    )
    console.print(table)
