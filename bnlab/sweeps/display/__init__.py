"""What a user sees of a sweep: progress while it trains, and its state by the folder alone."""
