"""A parent process for tests to kill: starts the stack in the given folder, prints one line of JSON, and waits."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from liandong.stack import start


def main() -> None:
    folder, *options = sys.argv[1:]
    stack = asyncio.run(start(Path(folder), detached="detached" in options))
    if "fork" in options and os.fork() == 0:
        time.sleep(600)  # keeps open whatever the parent had open
    print(json.dumps({"database_url": stack.database_url, "kafka": stack.kafka}), flush=True)
    if "detached" not in options:
        time.sleep(600)


if __name__ == "__main__":
    main()
