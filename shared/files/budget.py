"""What reading one file may cost. Small files get little: a file of 2 KB that needs minutes is hostile, whatever is in it."""

from dataclasses import dataclass

_MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one child process.

    `memory`: bytes of address space. `cpu_seconds`: of processor time. `wall_seconds`: that the reader of its frames may wait
    for it. `text`: characters that it may hand over. `spool`: bytes of its temporary file.
    """

    memory: int
    cpu_seconds: int
    wall_seconds: float
    text: int
    spool: int


def budget_for(size: int) -> Budget:
    """The budget for a file of `size` bytes. The limits are in decision 0026, with what good files were measured to need."""
    megabytes = -(-size // _MEBIBYTE)
    cpu_seconds = 10 + 2 * megabytes
    return Budget(
        memory=256 * _MEBIBYTE,
        cpu_seconds=cpu_seconds,
        wall_seconds=30.0 + 4 * cpu_seconds,
        text=min(64 * _MEBIBYTE + 200 * size, 1024 * _MEBIBYTE),
        spool=256 * _MEBIBYTE,
    )
