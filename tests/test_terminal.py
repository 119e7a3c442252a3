"""What is printed acts on nobody's terminal, and is printed whatever the encoding."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from bnlab import cli, terminal
from bnlab.terminal import Console, cleaned, say, tolerate_encodings
from bnlab.text import printable

ACTS = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;title\x07",
    "clear": "\x1b[2J",
    "bell": "\x07",
    "backspace": "a\bb",
    "carriage return": "a\rb",
    "C1": "\x9b31m",
    "override": "\u202etxt",
    "isolate": "\u2066x",
    "zero width": "a\u200bb",
    "line separator": "a\u2028b",
    "surrogate": "a\udcffb",
    "delete": "a\x7fb",
    "null": "a\0b",
    "vertical tab": "a\vb",
}


@pytest.mark.parametrize("kind", ACTS)
def test_text_that_acts_is_shown_as_signs(kind: str) -> None:
    text = ACTS[kind]
    shown = printable(text)
    assert len(shown) == len(text), "one sign for one, so that columns stay aligned"
    assert shown.isprintable()
    assert shown.encode()
    assert printable(shown) == shown


@pytest.mark.parametrize("kind", ACTS)
@pytest.mark.parametrize("way", ["line", "text", "cell", "title", "say"])
def test_nothing_that_acts_is_printed(capsys: pytest.CaptureFixture[str], kind: str, way: str) -> None:
    text, out = ACTS[kind], io.StringIO()
    console = Console(file=out, width=200)
    if way == "line":
        console.print(text)
    elif way == "text":
        console.print(Text.assemble((text, "red"), text))
    elif way == "cell":
        table = Table(text)
        table.add_row(text)
        console.print(table)
    elif way == "title":
        console.rule(text)
    else:
        say(text)
        out.write(capsys.readouterr().out)
    assert out.getvalue().replace("\n", "").isprintable()
    if way != "text":  # rich itself drops a few from styled text
        assert printable(text)[-3:] in out.getvalue()


@pytest.mark.parametrize(
    "text", ["[red]x[/red]", "[units.0.*]", ":smile:", "[/]", "a[b", "[link=x]y", "données 東京 🙂 a\u00a0b"]
)
def test_brackets_and_letters_are_printed_as_they_are(text: str) -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(text)
    assert out.getvalue() == f"{text}\n"
    assert printable(text) == text


def test_a_styled_text_keeps_its_styles() -> None:
    text = Text.assemble(("a\x1bb", "red"), "c")
    assert cleaned(text).spans == text.spans
    assert text.plain == "a\x1bbc", "the original stays"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_signs_that_an_encoding_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline=""))
    tolerate_encodings()
    say("× 東京 ≥ \udcff")
    say("×", error=True)
    Console(width=80).print("× 東京 ≥")
    sys.stdout.flush()
    assert isinstance(sys.stdout, io.TextIOWrapper)
    shown = sys.stdout.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert ("×" in shown) is (encoding in ("utf-8", "latin-1"))
    assert shown.count("\n") == 2


def test_nothing_else_prints() -> None:
    """Another `print`, or rich's own console, would print names as they are."""
    package = Path(terminal.__file__).parent
    for path in package.rglob("*.py"):
        if path.name != "terminal.py":
            text = path.read_text()
            assert "rich.console import Console" not in text, path
            assert "    print(" not in text, path


Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=4", "steps=2", "data.train_size=128", "diagnostics=off"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study of two runs."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert cli.main(["sweep", *NET, "study=s", "seed=0,1"]) == 0
    return folder / "outputs/s"


@pytest.mark.usefixtures("one_figure")
@pytest.mark.parametrize(
    "name", ["a\x1b[31mb", "a\nb", "a\u202eb", "[red]", "données", "a b (2)", "a'b", 'a"b', "a$b", "a\\b", "東京"]
)
def test_names_of_folders_are_harmless(
    bnlab: Call, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(original, name)
    for words in (["status", name], ["status", name, "--verify"], ["report", name], ["status", f"{name}/nowhere"]):
        status, out, err = bnlab(*words)
        assert status in (0, 2)
        assert (out + err).replace("\n", "").isprintable()
        assert err.count("\n") == (1 if status else 0)
    assert (Path(name) / "report/index.html").exists()
