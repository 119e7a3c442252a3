"""Where packs are trained: in this process, or in worker processes."""
