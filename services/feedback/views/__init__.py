"""The read models of feedback, folded from the events that it received (ledger, measures) and from its own (conclusions);
and their queries."""
