"""Models made of units with sites, one file each."""
