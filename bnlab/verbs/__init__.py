"""The verbs of the command line, one file each: their options and their output.

Verbs do not compute anything themselves; they call the other packages of bnlab.
"""
