"""A small project with tags and a tracker file, to integrate on the first day."""
