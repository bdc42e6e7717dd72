"""The registry: what is known of each subject, and which responses follow from it."""
