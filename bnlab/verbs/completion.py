"""Tab completion: Hydra completes overrides; the verb before them is completed here."""

import os
from collections.abc import Sequence

from bnlab.terminal import say
from bnlab.verbs import hydra
from bnlab.verbs.flags import parse

TAKES_OVERRIDES = ("train", "sweep", "plan", "show", "study", "zoo")


def complete(words: Sequence[str], verbs: Sequence[str]) -> int:
    """Print completions for the shell (query=bash), or the script that installs completion (install=bash)."""
    (command,) = parse(words).overrides
    line = os.environ.get("COMP_LINE", "")
    if command.startswith("query="):
        typed = line.split()
        if len(typed) < 2 or (len(typed) == 2 and not line.endswith(" ")):
            say(" ".join(verbs))
            return 0
        if typed[1] not in TAKES_OVERRIDES:
            return 0
        # Hydra does not know the verbs: remove ours from the line and move the cursor accordingly.
        cut = len(typed[1]) + 1
        point = os.environ.get("COMP_POINT", "")
        os.environ["COMP_LINE"] = line.replace(f" {typed[1]}", "", 1)
        os.environ["COMP_POINT"] = str((int(point) if point.isdecimal() else len(line)) - cut)
    hydra.call(lambda config: None, list(words))  # noqa: ARG005
    return 0
