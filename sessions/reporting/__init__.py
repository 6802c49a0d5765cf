"""What people and programs read: the report as pages, Markdown, Trac wiki text and JUnit, and GitHub Actions' output.

Everything is made from the run record alone. May import ``ledger``, ``terminal``, the names of tests of ``gates``,
and the model and dialects of ``tickets``.
"""
