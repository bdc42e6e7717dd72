"""Runs `liandong` and ends it at once when its standard input closes, that is, when the parent process ends.

So a killed soak leaves no service processes behind, which would wait for ever for a deleted database.
"""

import os
import sys
import threading

from liandong.cli import main


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main()
