"""Claims, and what the runs of a study say to them. Knows no torch."""
