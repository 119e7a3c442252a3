"""How R runs are held and passed forward: alone, or stacked under vmap."""
