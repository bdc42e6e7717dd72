"""Speed, each figure beside the bare thing measured in the same run (README.md). One file a bench."""
