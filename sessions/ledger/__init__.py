"""What is known so far: it survives any crash."""
