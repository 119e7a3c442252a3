"""experiments/record.py records verdicts, and the tables in the READMEs match the records."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bnlab.config.folder import conf_dir
from bnlab.studies.quantity import Effect
from bnlab.studies.record import Record
from bnlab.studies.verdict import Verdict
from bnlab.verbs.list import choices

FOLDER = Path(__file__).parents[2] / "experiments"
STUDIES = tuple(choices([conf_dir()])["study"])


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("record", FOLDER / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder of experiments with one study."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "README.md").write_text("# Some\n\n<!-- results -->\nformer\n<!-- /results -->\nbelow\n")
    (tmp_path / "README.md").write_text("above\n<!-- verdicts -->\n<!-- /verdicts -->\n")
    return tmp_path


def record(command: str = "bnlab study some data.root=/home/me/data output_dir=/tmp/x scale=cpu") -> Record:
    verdicts = (
        Verdict("It is so", "mlp", "confirmed", Effect(5, 2.5, 10, 3), "ratio above 2", "", ("a",), ""),
        Verdict("It is not", "", "undecided", None, "difference below 0", "no run of norm=none", (), ""),
    )
    return Record("some", "cpu", command, "2026-11-20", "cpu", "2.13.0", "abc", 12, verdicts)


def test_verdicts_are_taken_into_the_folder(script: ModuleType, here: Path) -> None:
    record().write(here / "outputs" / "some" / "report")
    script.main([str(here / "outputs" / "some")], here)
    assert {path.name for path in (here / "some").iterdir()} == {"README.md", "verdicts.json"}
    readme = (here / "some" / "README.md").read_text()
    assert "former" not in readme
    assert readme.endswith("<!-- /results -->\nbelow\n")
    assert "| It is so [mlp] | **confirmed** | 5 (2.5 to 10) | ratio above 2 | 3 seeds | – |" in readme
    assert "`bnlab study some data.root=DIR output_dir=DIR scale=cpu`: 12 runs" in readme
    assert "/home/me" not in readme + (here / "some" / "verdicts.json").read_text()
    assert (here / "README.md").read_text().splitlines()[4] == (
        "| [some](some/README.md) | It is so [mlp] | confirmed | 5 (2.5 to 10) | ratio above 2 | 3 seeds |"
    )


def test_taking_them_again_changes_nothing(script: ModuleType, here: Path) -> None:
    record().write(here / "outputs" / "some" / "report")
    script.main([str(here / "outputs" / "some")], here)
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    script.main([str(here / "outputs" / "some")], here)
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_a_readme_without_a_place_is_said(script: ModuleType, here: Path) -> None:
    (here / "some" / "README.md").write_text("# Some\n")
    with pytest.raises(SystemExit, match="no place"):
        script.fill(here / "some" / "README.md", "results", "text")


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_says_what_it_asks_and_predicts(name: str) -> None:
    readme = (FOLDER / name / "README.md").read_text()
    for part in ("**Question.**", "**Source.**", "**Prediction, written before any run", f"bnlab study {name}"):
        assert part in readme
    assert f"({name}/README.md)" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_the_readmes_tables_are_those_of_the_verdicts(script: ModuleType, name: str) -> None:
    kept, readme = FOLDER / name / "verdicts.json", (FOLDER / name / "README.md").read_text()
    shown = readme.partition("<!-- results -->\n")[2].partition("\n<!-- /results -->")[0]
    assert shown == (script.found(script.read(kept)) if kept.exists() else "Not run yet.")


def test_the_table_of_all_claims_is_that_of_the_verdicts(script: ModuleType) -> None:
    shown = (FOLDER / "README.md").read_text().partition("<!-- verdicts -->\n")[2].partition("\n<!-- /verdicts -->")[0]
    kept = list(FOLDER.glob("*/verdicts.json"))
    assert shown == (script.overview() if kept else "No study has been recorded yet.")
