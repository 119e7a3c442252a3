"""Executors of packs: in this process, or in worker processes."""
