"""What a department owes and did: the response with its tasks, one a measure, and the check. Pure."""
