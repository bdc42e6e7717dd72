"""Benchmarks. Each figure is compared with the bare operation, measured in the same run (README.md). One file per bench."""
