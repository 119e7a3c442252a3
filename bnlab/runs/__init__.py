"""What a run leaves on disk: its schema, the writer and the reader. Knows no torch."""
