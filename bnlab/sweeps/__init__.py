"""Jobs, how they are trained one after another, and what the user sees of it."""
