"""The command line: `bnlab VERB …`. A verb's module is loaded when it is called, and torch only by verbs that train."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from bnlab.errors import BadInput, environmental, is_environmental
from bnlab.interrupt import Ended, ending
from bnlab.terminal import replace_closed_streams, say, tolerate_encodings

VERBS = {
    "train": "train one run",
    "sweep": "train many runs: every combination of the listed values, or an experiment",
    "worker": "train the waiting runs of a study, together with other workers on any machine",
    "plan": "print what a sweep would do: runs, those already done, time, disk; trains nothing",
    "show": "print the net as built: layer order, sites, norms, shapes, parameters",
    "status": "print the progress of a study, also while another process trains it",
    "report": "write tables, figures and one HTML page from finished runs",
    "study": "sweep, report, and judge each claim of a study",
    "zoo": "measure what each norm does: which elements share statistics, state, refusals, time",
    "laws": "check closed forms on nets at initialization",
    "list": "list all norms, models, data sets and other choices",
}

TRAINING = ("train", "sweep", "study", "worker")  # incomplete if their output breaks off

HELP = """\
bnlab: what does this normalization do to my network, at this placement, batch size and learning rate?

usage: bnlab VERB [options]        bnlab VERB --help for details

{verbs}

First steps
  bnlab sweep experiment=demo      three norms x seven learning rates x three seeds on real digits
  bnlab report outputs/demo        write its tables, figures and HTML page

Exit status: 0 done (a diverged run is a result), 1 a run failed, 2 bad input, 130 interrupted (143 by SIGTERM).
Tab completion: eval "$(bnlab --shell-completion install=bash)"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    replace_closed_streams()
    tolerate_encodings()
    try:
        with ending():
            status = _dispatch(words)
            sys.stdout.flush()  # raises here if the reader of a pipe is gone
            return status
    except BadInput as error:
        return _fail(str(error), 2)
    except Ended as ended:
        return _fail(f"ended by a signal{_resume(words)}", 128 + ended.number)
    except KeyboardInterrupt:
        return _fail(f"interrupted{_resume(words)}", 130)
    except BrokenPipeError:  # `bnlab list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if words[0] not in TRAINING:
            return 0
        return _fail(f"the output was closed{_resume(words)}", 128 + signal.SIGPIPE)
    except OSError as error:
        if not is_environmental(error):
            raise
        return _fail(environmental(error), 1)


def _resume(words: Sequence[str]) -> str:
    """Return the hint that the command resumes, or "" for verbs that do not train."""
    return "; the same command resumes where it stopped" if words and words[0] in TRAINING else ""


def _fail(reason: str, status: int) -> int:
    with suppress(OSError):  # if standard error is closed too, only the status is left
        say(f"bnlab: {' '.join(reason.split())}", error=True)
    return status


def _dispatch(words: list[str]) -> int:
    if words and words[0] in ("-sc", "--shell-completion"):
        from bnlab.verbs.completion import complete

        return complete(words, list(VERBS))
    if not words or words[0] in ("-h", "--help", "help"):
        say(HELP.format(verbs="\n".join(f"  {name:<8} {line}" for name, line in VERBS.items())))
        return 0
    if words[0] == "--version":
        from bnlab import __version__

        say(f"bnlab {__version__}")
        return 0
    _check_working_folder()
    if odd := [word for word in words if "\0" in word]:  # no shell passes one, but a program may
        raise BadInput(f"{odd[0][:80]} contains U+0000 NULL: leave it out")
    verb, *rest = words
    if verb not in VERBS:
        from bnlab.text import nearest

        raise BadInput(f"{verb} is not a verb; {nearest(verb, VERBS)} (bnlab --help)")
    return import_module(f"bnlab.verbs.{verb}").run(rest)


def _check_working_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise BadInput("the working folder no longer exists: cd to one that does") from None
