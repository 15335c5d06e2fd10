"""The command line's outputs, as strings."""
