"""The code under test: mirror, releases, merging in memory, conflicts, and the files that differ.

The only room that calls git. May import ``tickets`` and ``terminal``.
"""
