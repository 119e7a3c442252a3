"""What is measured at sites and on gradients, one file each."""
