"""What a file is, by its first bytes. A file that no service reads is refused by the name of its kind."""

from shared.rejection import reject

ZIP = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""OLE: a workbook of Excel 97 to 2003, or any Office file with a password."""

_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7Z"),
    (b"\x1f\x8b", "GZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"{\\rtf", "RTF"),
)
_MARKUP = ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<table", "HTML"), (b"<?xml", "XML"), (b"<", "HTML"))
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def refuse_other_kinds(start: bytes) -> None:
    """Raises Rejected with `file_kind` for a file of a kind that is never a list. `start`: at least 4 KB of it."""
    for magic, kind in _MAGIC:
        if start.startswith(magic) and (kind != "BMP" or b"\0" in start[:64]):
            raise reject("file_kind", "file", kind=kind)
    text = start[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for opening, kind in _MARKUP:
        if text.startswith(opening):
            raise reject("file_kind", "file", kind=kind)
    if text.startswith(b"mime-version:"):
        raise reject("file_kind", "file", kind="MHTML")


def refuse_compound(content: bytes) -> None:
    """Raises Rejected: `file_password` for an encrypted workbook, `file_old_workbook` for any other OLE file."""
    raise reject("file_password" if _ENCRYPTED in content else "file_old_workbook", "file")
