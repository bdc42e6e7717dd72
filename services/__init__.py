"""The actors of the loop, a folder each, with the same rooms in every one. No service imports another."""
