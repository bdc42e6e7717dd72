"""The HTTP bodies of the catalogue, by subject."""
