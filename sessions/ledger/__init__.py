"""What is known: all results in SQLite, and the run record. Both survive a crash at any point.

May import ``gates`` and ``terminal``.
"""
