"""What people and programs read: the run record and the Markdown report."""
