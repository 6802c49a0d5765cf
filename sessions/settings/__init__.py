"""What users type: the configuration file and the options, read and checked."""
