"""The six services, one folder each, all with the same rooms. No service imports another."""
