"""The part `file` of a multipart body, while the body arrives. A body that breaks off is never taken for a whole one.

What is not the file is limited: the boundary, the headers, the number of parts and their bytes.
"""

from dataclasses import dataclass, field

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from shared.rejection import reject

PART = "file"
"""The name of the part of the multipart body that holds the file."""
MAX_NAME_LENGTH = 200
MOST_PARTS = 20
MOST_OTHER_BYTES = 64 * 1024
"""Bytes of headers and of other parts."""
LONGEST_BOUNDARY = 70
"""RFC 2046."""


def boundary_of(content_type: str) -> bytes:
    """The boundary. Raises Rejected: `unsupported_media_type`, `body_unreadable`."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise reject("unsupported_media_type")
    boundary = options[b"boundary"]
    if not 1 <= len(boundary) <= LONGEST_BOUNDARY:
        raise reject("body_unreadable")
    return boundary


@dataclass
class FilePart:
    """Yields the bytes of the part `file`. `file_name`: as sent, without characters that cannot be printed."""

    boundary: bytes
    file_name: str = ""
    found: bool = False
    _inside: bool = False
    _ended: bool = False
    _parts: int = 0
    _other_bytes: int = 0
    _ready: list[bytes] = field(default_factory=list[bytes])
    _header: list[bytes] = field(default_factory=lambda: [b"", b""])
    """Name and value of the header that is being read."""

    def __post_init__(self) -> None:
        self._parser = python_multipart.MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._read_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._read_header(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._data(data[start:end]),
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def feed(self, data: bytes) -> list[bytes]:
        """The bytes of the file in this piece of the body. Raises Rejected: `body_unreadable`, `several_files`."""
        if self._ended:
            return []
        try:
            self._parser.write(data)
        except FormParserError:
            raise reject("body_unreadable") from None
        ready, self._ready = self._ready, []
        return ready

    def end(self) -> None:
        """The body has ended. Raises Rejected: `body_incomplete` without the closing boundary, `field_missing`."""
        if not self._ended:
            raise reject("body_incomplete" if self._parts else "body_unreadable")
        if not self.found:
            raise reject("field_missing", PART)

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise reject("body_unreadable")

    def _read_header(self, place: int, data: bytes) -> None:
        self._count(len(data))
        self._header[place] += data

    def _end_header(self) -> None:
        (name, value), self._header = self._header, [b"", b""]
        if name.lower() != b"content-disposition":
            return
        _, options = parse_options_header(value)
        if options.get(b"name") != PART.encode():
            return
        if self.found:
            raise reject("several_files", PART)
        self._inside = self.found = True
        file_name = options.get(b"filename", b"").decode("utf-8", "replace")
        self.file_name = "".join(filter(str.isprintable, file_name))[:MAX_NAME_LENGTH]

    def _data(self, data: bytes) -> None:
        if self._inside:
            self._ready.append(data)
        else:
            self._count(len(data))

    def _count(self, size: int) -> None:
        self._other_bytes += size
        if self._other_bytes > MOST_OTHER_BYTES:
            raise reject("body_too_large")

    def _end_part(self) -> None:
        self._inside = False

    def _end(self) -> None:
        self._ended = True
