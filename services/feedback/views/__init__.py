"""What feedback keeps as it came (received), what follows from it (ledger), and the questions that both answer."""
