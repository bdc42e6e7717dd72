"""The inside of a child process that reads one file from its standard input, and answers with frames.

A frame is four bytes of length and JSON. Kinds: `[rows…]` of the reader, and at last `{"end": true}`, `{"faults": […]}` or
`{"again": …}` (start me again with this instruction). A child that ends without such a frame was stopped.
The frames are kept compressed until the file was read to its end: of a file that cannot be read, no row is handed over.
"""

import resource
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import orjson

from shared.rejection import Rejected, reject

Reader = Callable[[BinaryIO, dict[str, Any]], Iterator[object]]
"""Reads the file, which cannot be rewound, as the instruction says, and yields what becomes frames."""

LENGTH = struct.Struct("<I")
_IN_MEMORY = 4 * 1024**2


class ReadAgain(Exception):
    """The file has to be read from its start once more, with another instruction."""

    def __init__(self, instruction: dict[str, Any]) -> None:
        super().__init__("read again")
        self.instruction = instruction


class Summary:
    """A frame that is sent before all others, although it is known only at the end."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content


def serve(read: Reader) -> None:
    """Run the child: its instruction is its only argument, with the budget under `budget`."""
    instruction = orjson.loads(sys.argv[1])
    budget = instruction.pop("budget")
    memory, cpu = budget["memory"], budget["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    try:
        last = _spooled(read, instruction, budget, out)
    except Rejected as rejected:
        last = {"faults": [[fault.code, fault.field, fault.facts] for fault in rejected.faults]}
    except ReadAgain as again:
        last = {"again": again.instruction}
    except (MemoryError, SystemError):  # some libraries turn the one into the other
        last = {"faults": [["file_needs_too_much_memory", "file", {"megabytes": memory // 1024**2}]]}
    _send(out, orjson.dumps(last))
    out.flush()


def _spooled(read: Reader, instruction: dict[str, Any], budget: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    text = spooled = 0
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        for content in read(sys.stdin.buffer, instruction):
            if isinstance(content, Summary):
                summary = content.content
                continue
            frame = orjson.dumps(content)
            text += len(frame)
            packed = zlib.compress(frame, 1)
            spooled += len(packed)
            if text > budget["text"]:
                raise reject("file_too_large", "file", limit=budget["text"])
            if spooled > budget["spool"]:
                raise reject("file_too_large", "file", limit=budget["spool"])
            spool.write(LENGTH.pack(len(packed)))
            spool.write(packed)
        spool.seek(0)
        _send(out, orjson.dumps(summary))
        while head := spool.read(LENGTH.size):
            _send(out, zlib.decompress(spool.read(LENGTH.unpack(head)[0])))
    return {"end": True}


def _send(out: BinaryIO, frame: bytes) -> None:
    out.write(LENGTH.pack(len(frame)))
    out.write(frame)
