"""What is tested: results, the formats they are read from, and what counts as new."""
