"""What users type: the configuration file and the options, read and checked, and their JSON Schema and reference.

May import ``terminal``, and the registries whose names are values of a key.
"""
