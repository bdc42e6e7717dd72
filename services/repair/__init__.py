"""Repair: what becomes of a list entry after its publication, and the only writer of it."""
