"""`liandong token`: prints a bearer token of the development issuer, for a local node.

The department is looked up in the law book of the running system, over the catalogue's HTTP API: a token of a department
that the law book does not have would only lead to refusals later. A token without a department (an operator's) needs no lookup.
"""

from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import quote

import typer

from liandong.node_file import address_of_node
from shared.trust.issuer import DevelopmentIssuer
from shared.trust.principal import OfficerRole

DEFAULT_FOLDER = Path(".data/trust")
DEFAULT_ADDRESS = "http://127.0.0.1:8080"
DEPARTMENTS = "/catalogue/v1/departments"
REFUSED = 2
"""Exit status when the department is unknown, or no law book can be read."""

_TIMEOUT_SECONDS = 10
_NOT_FOUND = 404


class LawBookUnavailable(Exception):
    """No law book can be read at the address; the text says why."""


def token(
    role: Annotated[list[OfficerRole], typer.Option(help="角色 / Role; may be given several times.")],
    department: Annotated[
        str | None,
        typer.Option(help=f"部门编号 / Department id, e.g. luoyang-court; GET {DEPARTMENTS} lists them."),
    ] = None,
    subject: Annotated[str, typer.Option(help="账号 / Account name in the token.")] = "developer",
    minutes: Annotated[int, typer.Option(min=1, max=60 * 24 * 366, help="有效分钟数 / Minutes of validity.")] = 480,
    folder: Annotated[
        Path, typer.Option(envvar="LIANDONG_TRUST_FOLDER", help="密钥目录 / Folder of the development issuer's key.")
    ] = DEFAULT_FOLDER,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="LIANDONG_ADDRESS",
            help="节点地址 / Address of the node or gateway with the law book; "
            f"default: the node of the data folder, otherwise {DEFAULT_ADDRESS}.",
        ),
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="不核对部门 / Do not look the department up in the law book.")
    ] = False,
) -> None:
    """签发令牌 / Print a token for a department's officer, and nothing else, so that `$(liandong token …)` works.

    目录中没有该部门或读不到目录时，退出码为 2 / Exit status 2 when the law book does not have the department,
    or when no law book can be read.
    """
    issuer = DevelopmentIssuer(folder)
    if department is not None and not unchecked:
        where = address or address_of_node(folder.resolve().parent) or DEFAULT_ADDRESS
        try:
            if not knows_department(where, department):
                _refuse(
                    f"法规目录中没有部门 {department}；部门列表：GET {where}{DEPARTMENTS}",
                    f"the law book has no department {department}; to list departments: GET {where}{DEPARTMENTS}",
                )
        except LawBookUnavailable as error:
            _refuse(
                f"无法核对部门 {department}：{where} 处读不到法规目录（{error}）。"
                "请先运行 liandong up，或用 --address 指定地址，或加 --unchecked 不核对",
                f"the department {department} cannot be checked: no law book can be read at {where} ({error}). "
                f"Run liandong up first, or give --address, or skip the check with --unchecked. "
                f"To list departments: GET {DEPARTMENTS}",
            )
    typer.echo(issuer.issue(department, role, subject, minutes))


def knows_department(address: str, department: str) -> bool:
    """Whether the law book of the system at this address has a department. Raises LawBookUnavailable."""
    import httpx  # noqa: PLC0415 - a token without a department does not need it

    url = f"{address.rstrip('/')}{DEPARTMENTS}/{quote(department, safe='')}"
    try:
        response = httpx.get(url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        if response.is_success:
            return bool(response.json()["department_id"] == department)
        problem = response.json()["code"]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LawBookUnavailable(str(error) or type(error).__name__) from None
    except (ValueError, KeyError, TypeError):
        raise LawBookUnavailable("no catalogue answers there") from None
    if (response.status_code, problem) == (_NOT_FOUND, "unknown_id"):
        return False
    raise LawBookUnavailable(f"{response.status_code} {problem}")


def _refuse(chinese: str, english: str) -> NoReturn:
    typer.echo(f"liandong: {chinese}\n  {english}", err=True)
    raise typer.Exit(REFUSED)
