"""Publish branch, images and comments on tickets, only with ``--publish``.

No other room writes to a remote, a registry or a tracker. May import ``engines``, ``ledger``, ``reporting``,
``settings``, ``source``, ``tickets`` and ``terminal``.
"""
