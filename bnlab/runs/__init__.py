"""Files of runs: schema, writer and reader. Does not use torch."""
