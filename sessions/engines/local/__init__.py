"""Probes in plain folders of this machine, in a bubblewrap jail where there is one. Imports no other engine."""
