"""What development sessions of the noxfile do; no product session imports it."""
