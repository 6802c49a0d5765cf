"""A day's work: from the tickets that are ready to the green head, and how it is recorded and finished.

The stories tell it step by step. May import every room but ``first_steps``; no room imports this one.
"""
