"""One update, one loop, one evaluator, for every executor."""
