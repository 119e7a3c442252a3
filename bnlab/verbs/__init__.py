"""The verbs of the command line, one file each: what a user writes and sees.

Nothing here computes; a verb calls the room that does.
"""
