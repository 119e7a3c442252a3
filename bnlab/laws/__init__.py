"""Laws: closed forms on normalization, each checked on nets that are built and started as training does, one file each.

Models and diagnostics are in their own packages; claims that need trained runs are studies (`bnlab.studies`).
"""
