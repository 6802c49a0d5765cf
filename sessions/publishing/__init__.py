"""Everything that leaves the machine, and only with ``--publish``: branch, images, comments on tickets.

No other room writes to a remote, a registry or a tracker. May import ``engines``, ``ledger``, ``reporting``,
``settings``, ``source``, ``tickets`` and ``terminal``.
"""
