"""Free loopback ports.

They come from below the range that the system hands to outgoing connections: there, somebody else's connection
could hold a port that was ours yesterday, and a client that knocks before the server listens could even be
connected to itself.
"""

import random
import socket

from liandong.stack.errors import StackError

_LOWEST, _HIGHEST = 15_000, 32_000
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection that is still winding down (TIME_WAIT) must not make a port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int, timeout: float = 0.5) -> bool:
    """Whether somebody listens on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout):
            return True
    except OSError:
        return False


def choose(kept: int | None = None, *, avoid: frozenset[int] = frozenset()) -> int:
    """The port used before if it is free, otherwise a new one; never one of `avoid`."""
    if kept is not None and kept not in avoid and is_free(kept):
        return kept
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - nothing secret about it
        if port not in avoid and is_free(port):
            return port
    raise StackError(
        "No free loopback port was found.",
        why=f"{_TRIES} ports between {_LOWEST} and {_HIGHEST} on 127.0.0.1 were tried and all are in use.",
        remedy="End programs that hold many ports, or look at `ss -ltn`.",
        chinese="找不到空闲的本机端口:请关闭占用大量端口的程序后重试。",
    )
