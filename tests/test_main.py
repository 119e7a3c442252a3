"""`python -m bnlab`."""

import subprocess
import sys


def test_it_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "bnlab", "trian"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bnlab: trian is not a verb; did you mean train?")
