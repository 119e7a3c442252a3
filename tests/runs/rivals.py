"""Processes that compete for the locks of many folders: python -m tests.runs.rivals ROOT HOST SKEW START."""

import os
import socket
import sys
import time
from pathlib import Path

from bnlab.runs import lock as locks
from bnlab.runs import lock_holder as holders
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME, lock_holder

FOLDERS = 200


def compete(root: Path, host: str, skew: float, start: float) -> None:
    """Hold each of the folders for a moment, as the process of a machine whose clock is wrong by `skew` seconds."""
    socket.gethostname = lambda: host
    touch = os.utime
    os.utime = lambda handle: touch(handle, (time.time() + skew,) * 2)  # type: ignore[assignment]
    for number in range(FOLDERS):
        lock_holder(root / f"{number:03}")  # a dead machine is silent for as long as this process watches it
    while time.time() < start:
        pass
    for number in range(FOLDERS):
        try:
            with lock(folder := root / f"{number:03}"):
                with (folder / "witness").open("x"):  # fails if another holds the lock
                    time.sleep(0.001)
                locks._HELD._claims[folder / NAME].beat()
                with (root / f"{number:03}.held").open("a") as file:
                    file.write(f"{host}\n")
                (folder / "witness").unlink()
        except Busy:
            pass
        except FileExistsError:
            (root / f"twice {number:03} {host}").touch()


def outcome(root: Path) -> tuple[int, int, int]:
    """Return how many folders were held, how many twice at once, and how many files of locks were left."""
    held, twice, left = root.glob("*.held"), root.glob("twice *"), root.glob(f"*/{NAME}*")
    return len(list(held)), len(list(twice)), len(list(left))


if __name__ == "__main__":
    holders.STALE = 0.5
    compete(Path(sys.argv[1]), socket.gethostname(), float(sys.argv[2]), float(sys.argv[3]))
