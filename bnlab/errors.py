"""What a user did wrong, and what a machine cannot do, as opposed to a fault of the program."""

import errno

FAULTS = (Exception, SystemExit)  # what may come of the code of a norm or a model
# The disk is full, a quota or the largest size of a file is reached, or the file system takes no writes at all.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class BadInput(Exception):
    """A mistake of the user: one line that says what is wrong and what would be right; exit status 2."""


class Refused(BadInput):
    """A combination that cannot work (batch norm on one value a channel): in a sweep its runs are `refused`."""


def is_unwritable(error: BaseException) -> bool:
    """Whether nothing can be written any more, whatever one does."""
    return isinstance(error, OSError) and error.errno in UNWRITABLE


def one_line(error: BaseException) -> str:
    """An error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
