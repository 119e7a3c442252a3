"""The built wheel carries its configs and runs from another folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import hatchling.build

import bnlab

ROOT = Path(bnlab.__file__).parents[1]


def test_the_wheel_trains_from_another_folder(tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        wheel = tmp_path / hatchling.build.build_wheel(str(tmp_path))
    finally:
        os.chdir(before)
    installed, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    script = (
        "import sys, bnlab\n"
        "from bnlab import cli\n"
        "print(bnlab.__file__)\n"
        "status = cli.main(['train', 'model.width=8', 'model.depth=1', 'epochs=1'])\n"
        "sys.exit(status or cli.main(['report', 'outputs/main']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    assert (elsewhere / "outputs" / "main" / "report" / "index.html").exists()
    assert {path.name for path in (installed / "bnlab" / "conf").iterdir()} >= {"config.yaml", "norm", "model", "data"}
