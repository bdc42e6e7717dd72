"""The command line, and the node that runs every service in one process."""
