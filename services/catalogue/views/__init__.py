"""What the catalogue answers from."""
