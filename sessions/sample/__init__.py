"""The bundled sample: a small project with its history, releases and a file of tickets, made on first use.

May import ``source``, ``tickets`` and ``terminal``.
"""
