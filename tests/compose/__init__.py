"""Tests of the system run by docker compose, on the available Docker engine: `make compose-test`."""
