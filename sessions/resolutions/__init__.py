"""Conflicts that somebody has solved once: kept by their content in a ref of the project, and used again."""
