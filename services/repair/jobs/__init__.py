"""What this service does by itself, without a request or a message."""
