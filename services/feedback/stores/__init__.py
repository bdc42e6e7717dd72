"""The events that feedback received, which the ledger is folded from; and the sources of a rebuild."""
