"""Processes that torchrun has started for one command: the one of rank 0 runs it, the others follow."""

import os


def is_torchrun() -> bool:
    """Return whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_follower() -> bool:
    """Return whether torchrun has started this process to follow that of rank 0."""
    return is_torchrun() and os.environ["RANK"] != "0"
