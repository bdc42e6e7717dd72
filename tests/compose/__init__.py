"""The system as docker compose runs it, on the available Docker engine: `make compose-test`."""
