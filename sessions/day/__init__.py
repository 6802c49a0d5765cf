"""A day's work: from the tickets that are ready to the green head, and how it is recorded and finished.

The stories call it step by step. May import every room but ``first_steps``; only stories and ``main`` import this room.
"""
