"""Errors of the local stack. Each says what to do next."""

from pathlib import Path


class StackError(Exception):
    """The local stack cannot start or stop: `what` happened, `why`, and the `remedy`; then a summary in Chinese."""

    def __init__(self, what: str, *, why: str, remedy: str, chinese: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.chinese = chinese

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  what to do: {self.remedy}\n  {self.chinese}"


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a server's log, indented, as part of an error message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (the log is empty)"
