"""Integrand: would everything that is ready still build, pass its doctests and print its manual together?

The four stories (``baseline``, ``integrate``, ``doc_pdf``, ``report``) stand beside the rooms they call.
``docs/architecture.md`` says which room may import which.
"""
