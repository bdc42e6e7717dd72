"""The command line, and the node: one process that runs every service."""
