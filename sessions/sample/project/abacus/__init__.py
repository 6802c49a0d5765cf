"""Counting for people who like to see the beads move.

>>> import abacus
>>> abacus.__version__.split(".")[0]
'1'
"""

__version__ = "1.0"
