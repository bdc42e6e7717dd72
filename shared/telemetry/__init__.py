"""What a service tells of its own work: log lines, metrics, traces. None of them says anything of a person."""
