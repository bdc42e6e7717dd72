"""The command: what was found, for people or as JSON; exit status 1 when something is wrong."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import typer

from liandong.doctor.examination import examine, patient
from liandong.doctor.finding import Finding
from liandong.node import SERVICES


def doctor(services: Sequence[str], folder: Path, patience: float, *, as_json: bool) -> int:
    """Examine and say; the exit status."""
    if unknown := set(services) - set(SERVICES):
        raise typer.BadParameter(f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}")
    who = patient(services or SERVICES, folder)
    findings = [who] if isinstance(who, Finding) else asyncio.run(examine(who, patience))
    if as_json:
        typer.echo(json.dumps([one.told() for one in findings], ensure_ascii=False, indent=2))
    else:
        _say(findings)
    return int(any(one.wrong for one in findings))


def _say(findings: Sequence[Finding]) -> None:
    for one in findings:
        told = one.told()
        mark = typer.style("✗", fg="red") if one.wrong else typer.style("·", fg="yellow")
        typer.echo(f"{mark} {one.about}: {told['zh']}\n    {told['en']}")
        typer.echo(f"    → {told['remedy_zh']}\n      {told['remedy_en']}")
    wrong = sum(one.wrong for one in findings)
    typer.echo(f"{wrong} 处有问题 / {wrong} things are wrong" if wrong else "一切正常 / all is well")
