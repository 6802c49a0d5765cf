"""Probes on the workers of a Dask cluster, each of which runs them with an engine of its own."""
