"""One process of one service. It is restarted whenever it ends, as by a container engine, until it is stopped."""

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
_STOP_TIMEOUT_SECONDS = 20.0


class NeverReady(Exception):
    """A process was started and was not ready within the timeout."""


class Instance:
    """`liandong serve <service>`, on a port of its own."""

    def __init__(self, service: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.service = service
        self.address = f"http://127.0.0.1:{port}"
        self.ends: list[int] = []
        """The exit status of each process that ended, kills included; minus the signal number when a signal ended it."""
        self._command = (sys.executable, "-m", "liandong.soak.ends_with_parent", "serve", service, "--port", str(port))
        self._environment = dict(environment)
        self._log = log
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The id of the current process; None when none runs."""
        return self._process.pid if self._process is not None and self.is_alive else None

    def start(self) -> None:
        self._supervisor = asyncio.create_task(self._supervise(), name=f"supervisor of {self.service}")

    async def _supervise(self) -> None:
        while True:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=DEVNULL,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,  # Ctrl-C is handled by the soak, which then stops its services
                )
            self.ends.append(await self._process.wait())
            await asyncio.sleep(_PAUSE_SECONDS)

    async def wait_until_ready(self, timeout: float = 90.0) -> None:
        """Return when it answers HTTP. Raises NeverReady."""
        until = time.monotonic() + timeout
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            while time.monotonic() < until:
                with suppress(httpx.TransportError):
                    if (await http.get(f"{self.address}/healthz")).is_success:
                        return
                await asyncio.sleep(0.1)
        raise NeverReady(f"{self.service} at {self.address}; its log is {self._log}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the current process, if one runs. When it ends, the next one is started."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop it without a restart: cleanly, or with kill -9."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._process is None or self._process.returncode is not None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL if at_once else signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
