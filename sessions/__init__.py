"""Integrand: would everything that is ready still build, pass its doctests and print its manual together?

The four stories (``baseline``, ``integrate``, ``doc_pdf``, ``report``) stand beside the rooms they call.
``docs/architecture.md`` says which room may import which.
"""

# The only place that holds the version: the run record, the report, `--version` and `nox -s release` read it here.
__version__ = "1.0.0"
