"""Log lines, metrics and traces of a service. None of them contains personal data."""
