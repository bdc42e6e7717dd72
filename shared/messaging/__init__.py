"""Between services: topics, the relay that publishes, the consumers that react, and what is parked."""
