"""Run commands in separate processes, which may be killed, without loading torch in each.

Run as a script, this is a server that has torch loaded and forks itself for each command. It has one thread and no
other resources, so its children may be killed at any moment. It reads and writes lines of JSON: {"words": [...], "cwd":
DIR, "log": FILE} returns the pid of a `bnlab` with these words; {"wait": PID} its exit status, as in subprocess.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Process:
    """A running `bnlab` process."""

    def __init__(self, warm: "Warm", pid: int, log: Path) -> None:
        self._warm, self.pid, self._log = warm, pid, log

    def wait(self) -> int:
        """Wait for the exit status; minus the signal number if a signal killed it."""
        return self._warm.order(wait=self.pid)

    def kill(self, sign: int = signal.SIGKILL) -> int:
        """Send a signal only to this process, and wait for its end."""
        os.kill(self.pid, sign)
        return self.wait()

    @property
    def lives(self) -> bool:
        """Return whether it is still running."""
        stat = Path(f"/proc/{self.pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

    @property
    def said(self) -> str:
        """Return its output, including errors."""
        return self._log.read_text()


class Warm:
    """Server process that has torch loaded and starts `bnlab` processes."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._count = 0
        assert self._answer() == "ready"

    def __call__(self, cwd: Path, *words: str, largest: int | None = None) -> Process:
        """Start a command in a folder.

        Args:
            cwd: the folder, created if missing.
            words: arguments of `bnlab`.
            largest: maximum size of a file in bytes.
        """
        self._count += 1
        cwd.mkdir(exist_ok=True)
        log = cwd / f"said_{self._count}.txt"
        log.touch()
        return Process(self, self.order(words=words, cwd=str(cwd), log=str(log), largest=largest), log)

    def order(self, **order: Any) -> int:
        """Send a request to the server and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def end(self) -> None:
        """Stop the server."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def serve() -> None:
    import torch

    from bnlab import cli

    load_all()
    torch.set_num_threads(1)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        elif (answer := os.fork()) == 0:
            os._exit(become(cli.main, **order))
        print(answer, flush=True)


def load_all() -> None:
    """Import what a sweep, a study and its report import when they need it: each would take seconds in every child."""
    import pkgutil
    from importlib import import_module

    import bnlab

    for module in pkgutil.walk_packages(bnlab.__path__, "bnlab."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    # Within functions of bnlab, and of torch for nets without storage.
    for name in (
        "joblib.externals.loky",
        "scipy.stats",
        "sklearn.datasets",
        "torch._meta_registrations",
        "torch._refs",
    ):
        import_module(name)
    from bnlab.sweeps.layout.plugin import register

    register()


def become(main: Callable[[Sequence[str]], int], words: list[str], cwd: str, log: str, largest: int | None) -> int:
    """Turn the forked process into a `bnlab` command."""
    os.setpgid(0, 0)  # Ctrl-C only reaches it and its workers
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by background commands of a shell
    os.chdir(cwd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    told = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(told, 1)
    os.dup2(told, 2)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        return main(words)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve()
