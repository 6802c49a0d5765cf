"""What is known: all results in SQLite, and the run record. Both survive a crash at any point.

May import ``gates``, ``terminal`` and the model of ``tickets``: a record has the names of tests, and verdicts.
"""
