"""Between services: topics, the relay that publishes, the consumers that react, and parked (dead-lettered) events."""
