"""The questions that the registry answers, a file each."""
