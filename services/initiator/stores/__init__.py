"""The tables that the work on a file writes itself: the file, the progress, the keys of its rows, the rejects."""
