"""Integrand: would everything that is ready still build, pass its doctests and print its manual together?

The stories (``baseline``, ``integrate``, ``doc_pdf``, ``report`` and others) are modules next to the rooms they use.
``docs/architecture.md`` says which room may import which.
"""

# The only place that holds the version: the run record, the report, `--version` and `nox -s release` read it here.
__version__ = "1.0.0"
