"""Names of studies, which are also the names of their folders."""

from bnlab.config.excerpt import excerpt
from bnlab.errors import BadInput

LONGEST_STUDY = 200  # bytes; file systems allow 255, and reports add to the name


def check_study(study: str, output_dir: str) -> None:
    """Check that a study's name is a valid name of a folder.

    Raises:
        BadInput: it is not, or the folder would be hidden, or commands would read it as a flag.
    """
    shown = f"study={excerpt(repr(study)) if not study or study != study.strip() else excerpt(study)}"
    if not study or study in (".", "..") or "/" in study or "\\" in study:
        raise BadInput(f"{shown} must be the name of one folder under output_dir={excerpt(output_dir)}")
    if (size := len(study.encode(errors="surrogatepass"))) > LONGEST_STUDY:
        raise BadInput(f"{shown} has {size} bytes: the name of a folder has at most {LONGEST_STUDY}")
    if study != study.strip():
        raise BadInput(f"{shown} begins or ends with a space: leave it out")
    if study.startswith((".", "-")):
        why = "such a folder is hidden" if study.startswith(".") else "commands read such a name as a flag"
        raise BadInput(f"{shown} begins with {study[0]}, and {why}: leave it out")
