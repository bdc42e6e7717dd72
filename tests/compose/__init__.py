"""The system as docker compose runs it, on whatever Docker engine answers: `make compose-test`."""
