"""Tickets: their dependencies, which are ready and in which order, and the trackers they come from.

May import ``settings`` and ``terminal``.
"""
