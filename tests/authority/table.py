"""The hand-written table of authority, and the page of the documentation that is printed from it.

`python -m tests.authority.table` writes docs/authority.md.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from shared.trust import OfficerRole

TABLE = Path(__file__).with_name("table.yaml")
PAGE = Path(__file__).parent.parent.parent / "docs" / "authority.md"
EVERY_SERVICE = "every service"
SCOPES = {
    "department": ("own", "publishes", "answers", "involved", "confirms", "receives", "any"),
    "region": ("own", "overseen", "any"),
}


class Rule(NamedTuple):
    """Who may call a route. No roles: any role of a department; `public`: no token at all."""

    service: str
    route: str
    public: bool
    roles: frozenset[OfficerRole]
    department: str
    region: str


def rules() -> list[Rule]:
    """Every line of the table."""
    table = cast("dict[str, dict[str, dict[str, Any]]]", yaml.safe_load(TABLE.read_text(encoding="utf-8")))
    return [_rule(service, route, line) for service, lines in table.items() for route, line in lines.items()]


def _rule(service: str, route: str, line: dict[str, Any]) -> Rule:
    assert line.keys() == {"roles", "department", "region"}, route
    assert all(line[column] in allowed for column, allowed in SCOPES.items()), route
    named = cast("list[str] | str", line["roles"])
    roles = frozenset[OfficerRole]() if isinstance(named, str) else frozenset(OfficerRole(role) for role in named)
    assert not isinstance(named, str) or named in ("public", "department"), route
    return Rule(service, route, named == "public", roles, line["department"], line["region"])


def page() -> str:
    """The documentation page."""
    return "\n".join([*_introduction(), *_tables()]) + "\n"


def _introduction() -> Iterator[str]:
    """The comment at the head of the table, as prose."""
    yield "# Who may call what"
    yield ""
    yield "Printed from `tests/authority/table.yaml` by `python -m tests.authority.table`; a test compares both with the code,"
    yield "and tries every refusal."
    yield ""
    yield "```text"
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        yield line.removeprefix("#").removeprefix(" ")
    yield "```"


def _tables() -> Iterator[str]:
    service = ""
    for rule in rules():
        if rule.service != service:
            service = rule.service
            yield from ("", f"## {service}", "", "| route | callers | department | region |", "|---|---|---|---|")
        yield f"| `{rule.route}` | {_callers(rule)} | {rule.department} | {rule.region} |"


def _callers(rule: Rule) -> str:
    if rule.public:
        return "public"
    return ", ".join(sorted(rule.roles)) or "any role of a department"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
