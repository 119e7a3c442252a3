"""`python -m bnlab`: the command line, if the command `bnlab` is not on the path."""

import sys

from bnlab.cli import main

if __name__ == "__main__":  # worker processes import this module under another name
    sys.exit(main())
