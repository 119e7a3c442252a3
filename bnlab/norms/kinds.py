"""The kinds of site that units offer, in forward order (no torch)."""

FEED_FORWARD = ("before_weight", "before_act", "after_act", "after_add", "output")
RECURRENT = ("input_to_hidden", "hidden_to_hidden", "cell", "hidden")
KINDS = FEED_FORWARD + RECURRENT
