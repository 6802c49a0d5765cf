"""Run probes in Docker containers, and manage their images. The only room that imports ``docker``."""
