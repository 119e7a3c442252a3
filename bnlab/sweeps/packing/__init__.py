"""Which runs are trained together, and under which launcher. Nothing here trains."""
