"""Integrand beside what its users would use instead, on real history: `nox -s bench -- merges --help`."""
