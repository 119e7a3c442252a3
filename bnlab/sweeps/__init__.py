"""Many runs: laid out, packed, planned, trained and shown. How one run trains is in `bnlab.training`."""
