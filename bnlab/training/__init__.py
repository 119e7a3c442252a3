"""The training step, loop and evaluator, shared by all executors."""
