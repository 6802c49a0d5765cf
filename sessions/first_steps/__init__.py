"""What ``nox -s init`` detects in a clone (releases, tests, manual, tracker), and the configuration that it writes.

Only that story imports this room. May import ``settings``, ``source``, ``tickets`` and ``terminal``.
"""
