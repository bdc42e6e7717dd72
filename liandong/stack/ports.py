"""Free loopback ports.

They are below the range of ephemeral ports (for outgoing connections). In that range another program's connection could
occupy a port that a server used yesterday, and a client that connects before the server listens could even connect to itself.
"""

import random
import socket

from liandong.stack.errors import StackError

_LOWEST, _HIGHEST = 15_000, 32_000
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection in TIME_WAIT must not make a port look occupied.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port: int, timeout: float = 0.5) -> bool:
    """Whether a server listens on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout):
            return True
    except OSError:
        return False


def choose(kept: int | None = None, *, avoid: frozenset[int] = frozenset()) -> int:
    """The port `kept` if it is free, otherwise a random free one; never one of `avoid`. Raises StackError."""
    if kept is not None and kept not in avoid and is_free(kept):
        return kept
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - nothing secret about it
        if port not in avoid and is_free(port):
            return port
    raise StackError(
        "No free loopback port was found.",
        why=f"{_TRIES} ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1 were tried and all are in use.",
        remedy="Stop programs that use many ports; `ss -ltn` lists them.",
        chinese="找不到空闲的本机端口:请关闭占用大量端口的程序后重试。",
    )
