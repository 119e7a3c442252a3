"""What a user did wrong, as opposed to a fault of the program."""


class BadInput(Exception):
    """A mistake of the user: one line that says what is wrong and what would be right; exit status 2."""


class Refused(BadInput):
    """A combination that cannot work (batch norm on one value a channel): in a sweep its runs are `refused`."""
