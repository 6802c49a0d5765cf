"""Probes in Docker containers, and the images they start from and leave. The only room that imports ``docker``."""
