"""Examines this machine: free disk space, and the keys and passwords that services need."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx

from liandong.doctor.finding import Finding, found
from shared.identity import BadSecrets
from shared.runtime.settings import MissingSecret, Settings
from shared.trust.keys import parse_jwks

LEAST_FREE_BYTES = 1024**3
LEAST_FREE_SHARE = 0.05
_ISSUER_SECONDS = 5


def disks(folders: Iterable[Path]) -> list[Finding]:
    """Findings about the disks of these folders and of temporary files, one per disk. Remote servers' disks are not seen."""
    findings: list[Finding] = []
    devices: set[int] = set()
    for folder in (*folders, Path(tempfile.gettempdir())):
        if not folder.exists() or (device := folder.stat().st_dev) in devices:
            continue
        devices.add(device)
        usage = shutil.disk_usage(folder)
        if usage.free < LEAST_FREE_BYTES or usage.free < usage.total * LEAST_FREE_SHARE:
            left = {"free_mb": usage.free // 2**20, "percent": round(100 * usage.free / max(usage.total, 1))}
            findings.append(found("disk_nearly_full", "machine", path=folder, **left))
    return findings


def secrets(settings: Settings, about: str) -> list[Finding]:
    """Findings about keys and passwords that cannot be read."""

    def kafka() -> object:
        return settings.broker

    def database() -> object:
        return settings.database("catalogue")

    needed: tuple[Callable[[], object], ...] = (settings.secrets, kafka, database)
    findings: list[Finding] = []
    for read in needed:
        try:
            read()
        except (BadSecrets, MissingSecret) as error:
            findings.append(found("key_missing", about, words=str(error)))
    return findings


def token_keys(settings: Settings, about: str) -> list[Finding]:
    """Findings about the keys that verify tokens: a file, or the issuer's URL."""
    try:
        if settings.issuer_url:
            url = f"{settings.issuer_url.rstrip('/')}/.well-known/openid-configuration"
            httpx.get(url, timeout=_ISSUER_SECONDS, trust_env=False).raise_for_status()
        elif settings.jwks_file:
            parse_jwks(settings.jwks_file.read_bytes())
        else:
            return [found("token_keys_missing", about, words="neither setting is set")]
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError) as error:
        return [found("token_keys_missing", about, words=str(error) or type(error).__name__)]
    return []
