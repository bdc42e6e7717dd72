"""The bare HTTP service: FastAPI with one point read through an asyncpg pool. Run as a separate process.

`python -m benchmarks.bare_server <dsn> <port>`; `GET /{key}` returns the row of `points` with this key.
"""

import asyncio
import socket
import sys
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Path

from liandong.serving import on_signals, serve

POOL = 10
TABLE = "CREATE TABLE points (key text PRIMARY KEY, body json NOT NULL)"
_READ = "SELECT key, body FROM points WHERE key = $1"


def application(pool: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/{key}")
    async def read(key: Annotated[str, Path()]) -> dict[str, str]:
        row = await pool.fetchrow(_READ, key)
        return {"key": row["key"], "body": row["body"]}

    return app


async def main(dsn: str, port: int) -> None:
    stop = asyncio.Event()
    on_signals(stop)
    pool = await asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL)
    try:
        await serve(application(pool), _listening(port), until=stop)
    finally:
        await pool.close()


def _listening(port: int) -> socket.socket:
    """With IPPROTO_TCP, as event loops create sockets, so that TCP_NODELAY is set and small responses are sent at once."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", port))
    return made


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
