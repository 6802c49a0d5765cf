"""Test results: what a gate reports, the formats that reports are read from, and which failures are new.

May import ``terminal`` alone.
"""
