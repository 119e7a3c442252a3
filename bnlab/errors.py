"""What a user did wrong, and what a machine cannot do, as opposed to a fault of the program."""

import errno

LONGEST_LINE = 500  # characters of a cause, whose whole text is in the traceback
FAULTS = (Exception, SystemExit)  # what may come of the code of a norm or a model

# What a machine says to whoever would read or write, and what to do about it.
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room, then the same command goes on"),
    errno.EROFS: "set output_dir to a disk that takes writes, then the same command goes on",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "set its permissions, or output_dir to a folder of yours"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise ulimit -n (open files), or lower sweep.pack_size"),
    errno.ENOMEM: "lower sweep.workers or data.batch_size, or free some memory",
    errno.EAGAIN: "lower sweep.workers, or raise the limit of processes (ulimit -u)",
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV), "check the disk and repeat the command"),
    **dict.fromkeys((errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR), "choose another path"),
}  # fmt: skip


class BadInput(Exception):
    """A mistake of the user: one line that says what is wrong and what would be right; exit status 2."""


class Refused(BadInput):
    """A combination that cannot work (batch norm on one value a channel): in a sweep its runs are `refused`.

    Attributes:
        status: of its runs in a sweep.
    """

    status = "refused"


class Retriable(Refused):
    """A combination that may work later: in a sweep its runs have `failed`, so that sweep.retry=failed takes them."""

    status = "failed"


class TooLarge(Retriable):
    """A combination that needs more memory than this machine has."""


def is_environmental(error: BaseException) -> bool:
    """Return whether the machine refuses (a full disk, a missing permission), whatever the program does."""
    return isinstance(error, OSError) and error.errno in _REMEDIES


def environmental(error: OSError) -> str:
    """Return what the machine refuses, where, and what to do about it, in a line."""
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror}{place}: {_REMEDIES[error.errno or 0]}"


def one_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message, cut where it is very long."""
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else "no message"
    return f"{type(error).__name__}: {said if len(said) <= LONGEST_LINE else said[:LONGEST_LINE] + '…'}"
