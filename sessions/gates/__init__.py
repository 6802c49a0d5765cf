"""What is tested: the results of a gate, the formats they are read from, and which failures are new.

May import ``terminal`` alone.
"""
