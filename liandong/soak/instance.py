"""One process of one service: started again whenever it ends, as a container engine does, until it is held down."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

_PAUSE_SECONDS = 0.2
_FAREWELL_SECONDS = 20.0


class NeverAnswered(Exception):
    """A process was started and did not answer for a long time."""


class Instance:
    """`liandong serve <service>`, on a port of its own."""

    def __init__(self, service: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.service = service
        self.address = f"http://127.0.0.1:{port}"
        self.ends: list[int] = []
        """How each process of it ended, the kills included: the exit status, or minus the signal."""
        self._command = (sys.executable, "-m", "liandong.soak.tethered", "serve", service, "--port", str(port))
        self._environment = dict(environment)
        self._log = log
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Of the process that lives now."""
        return self._process.pid if self._process is not None and self.lives else None

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep(), name=f"keeping {self.service}")

    async def _keep(self) -> None:
        while True:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=DEVNULL,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C is for the soak, which then ends its services
                )
            self.ends.append(await self._process.wait())
            await asyncio.sleep(_PAUSE_SECONDS)

    async def answers(self, patience: float = 90.0) -> None:
        """Return when it answers. Raises NeverAnswered."""
        until = time.monotonic() + patience
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            while time.monotonic() < until:
                with suppress(httpx.TransportError):
                    if (await http.get(f"{self.address}/healthz")).is_success:
                        return
                await asyncio.sleep(0.1)
        raise NeverAnswered(f"{self.service} at {self.address}; its log is {self._log}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that lives now, if one does; the next is started when it ends."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    async def hold_down(self, *, at_once: bool = False) -> None:
        """End it and do not start it again: cleanly, or with kill -9."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._process is None or self._process.returncode is not None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL if at_once else signal.SIGTERM)
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
