"""What repair answers from."""
