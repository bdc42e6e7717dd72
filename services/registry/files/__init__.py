"""File formats that the registry writes."""
