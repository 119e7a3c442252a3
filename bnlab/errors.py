"""Mistakes of the user and limits of the machine, as opposed to bugs."""

import errno

LONGEST_LINE = 500  # characters of a cause in a message; the traceback has its full text
FAULTS = (Exception, SystemExit)  # what the code of a norm or a model may raise

# What to do about errors of the operating system.
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room, then the same command resumes"),
    errno.EROFS: "set output_dir to a writable disk and repeat the command",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "fix its permissions, or set output_dir to a folder of yours"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise ulimit -n (open files), or lower sweep.pack_size"),
    errno.ENOMEM: "lower sweep.workers or data.batch_size, or free some memory",
    errno.EAGAIN: "lower sweep.workers, or raise the limit of processes (ulimit -u)",
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV), "check the disk and repeat the command"),
    **dict.fromkeys((errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR), "choose another path"),
}  # fmt: skip


class BadInput(Exception):
    """Mistake of the user: one line with the error and the remedy; exit status 2."""


class Refused(BadInput):
    """Combination that cannot work (batch norm on one value per channel): in a sweep its runs are `refused`.

    Attributes:
        status: status of its runs in a sweep.
    """

    status = "refused"


class Retriable(Refused):
    """Combination that may work later: in a sweep its runs are `failed`, so that sweep.retry=failed trains them."""

    status = "failed"


class TooLarge(Retriable):
    """Combination that needs more memory than this machine has."""


def is_environmental(error: BaseException) -> bool:
    """Return whether an error is due to the machine (a full disk, a missing permission), not to the program."""
    return isinstance(error, OSError) and error.errno in _REMEDIES


def environmental(error: OSError) -> str:
    """Return one line that says what the machine refused, where, and what to do about it."""
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror}{place}: {_REMEDIES[error.errno or 0]}"


def one_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message, truncated if very long."""
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else "no message"
    return f"{type(error).__name__}: {said if len(said) <= LONGEST_LINE else said[:LONGEST_LINE] + '…'}"
