"""What people see while a session runs: the console and its live view, safe text, errors, durations.

May import no other room; every room may import this one.
"""
