"""`liandong`, tied to the process that started it: ends at once when its standard input closes.

A soak that is killed thereby leaves no service behind, which would look for a database that is gone for ever.
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
