"""The command: prints the findings, as text or as JSON."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import typer

from liandong.doctor.examination import examine, scope_of
from liandong.doctor.finding import Finding
from liandong.node import SERVICES


def doctor(services: Sequence[str], folder: Path, timeout: float, *, as_json: bool) -> int:
    """Examine and print the findings. Returns the exit status: 1 when there is a problem. Raises typer.BadParameter."""
    if unknown := set(services) - set(SERVICES):
        raise typer.BadParameter(
            f"no such service: {', '.join(sorted(unknown))}; the services are {', '.join(SERVICES)}"
        )
    scope = scope_of(services or SERVICES, folder)
    findings = [scope] if isinstance(scope, Finding) else asyncio.run(examine(scope, timeout))
    if as_json:
        typer.echo(json.dumps([finding.report() for finding in findings], ensure_ascii=False, indent=2))
    else:
        _print(findings)
    return int(any(finding.wrong for finding in findings))


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        report = finding.report()
        mark = typer.style("✗", fg="red") if finding.wrong else typer.style("·", fg="yellow")
        typer.echo(f"{mark} {finding.about}: {report['zh']}\n    {report['en']}")
        typer.echo(f"    → {report['remedy_zh']}\n      {report['remedy_en']}")
    count = sum(finding.wrong for finding in findings)
    typer.echo(f"{count} 处有问题 / problems found: {count}" if count else "一切正常 / all is well")
