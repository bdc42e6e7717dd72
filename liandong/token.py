"""`liandong token`: a bearer token of the development issuer, for a local node."""

from pathlib import Path
from typing import Annotated

import typer

from shared.trust.issuer import DevelopmentIssuer
from shared.trust.principal import OfficerRole

DEFAULT_FOLDER = Path(".data/trust")


def token(
    role: Annotated[list[OfficerRole], typer.Option(help="角色 / Role; may be given several times.")],
    department: Annotated[str | None, typer.Option(help="部门编号 / Department id, e.g. luoyang-court.")] = None,
    subject: Annotated[str, typer.Option(help="账号 / Account that the token names.")] = "developer",
    minutes: Annotated[int, typer.Option(min=1, max=60 * 24 * 366, help="有效分钟数 / Minutes it holds.")] = 480,
    folder: Annotated[
        Path, typer.Option(envvar="LIANDONG_TRUST_FOLDER", help="密钥目录 / Folder of the development issuer's key.")
    ] = DEFAULT_FOLDER,
) -> None:
    """Print a token for a department's officer, and nothing else, so that `$(liandong token …)` works."""
    typer.echo(DevelopmentIssuer(folder).issue(department, role, subject, minutes))
