"""The summary of a run as tables, in Chinese and English."""

from datetime import timedelta

from rich.console import Console
from rich.table import Table

from liandong.demo.figures import Figures, LinesOf
from liandong.demo.run import Run
from liandong.demo.wording import heading, word
from shared.calendar.working_days import today as today_in_shanghai

_STATUSES = ("listed", "suspended", "revoked", "repaired", "ended")


def print_summary(console: Console, run: Run, result: Figures) -> None:
    console.print()
    console.rule(word("summary"))
    console.print(_entries(result))
    lines = result.all_lines
    console.print(word("responses", responses=result.responses, lines=lines.directed, departments=len(result.lines)))
    console.print(_lines(result))
    console.print(_rejects(result))
    console.print(_in_force(result))
    console.print(_deadlines(run, result))
    console.print(_speed(run, result))
    if "left_over" not in result.in_force:
        console.print(word("closed", ended=result.left), style="bold green")


def _table(title: str, *columns: str, words: int = 1) -> Table:
    """The first `words` columns contain words, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(heading(column), justify="left" if place < words else "right", overflow="fold")
    return table


def _entries(result: Figures) -> Table:
    table = _table(word("entries"), "list", "domain", "total", *_STATUSES, words=2)
    for (list_kind, domain_id), counted in result.entries.items():
        numbers = [sum(counted.values()), *(counted[status] for status in _STATUSES)]
        table.add_row(word(list_kind), result.domains.get(domain_id, domain_id), *map(str, numbers))
    totals = [sum(counted[status] for counted in result.entries.values()) for status in _STATUSES]
    table.add_section()
    table.add_row(word("total"), "", *map(str, [result.listed, *totals]))
    return table


def _lines(result: Figures) -> Table:
    names = (
        "directed",
        "applied",
        "not_applicable",
        "refused_lines",
        "undone",
        "never_applied",
        "waiting",
        "not_participating",
        "in_effect",
    )
    table = _table(word("lines"), "department", *names)
    for department, lines in result.lines.items():
        table.add_row(result.departments.get(department, department), *_numbers(lines))
    table.add_section()
    table.add_row(word("total"), *_numbers(result.all_lines))
    return table


def _numbers(lines: LinesOf) -> list[str]:
    return [
        str(number)
        for number in (
            *(lines.directed, lines.applied, lines.not_applicable, lines.refused),
            *(lines.undone, lines.never_applied, lines.waiting, lines.not_participating, lines.in_effect),
        )
    ]


def _rejects(result: Figures) -> Table:
    table = _table(word("rejects", rows=len(result.rejects)), "file", "line", "field", "reason", words=4)
    for row in result.rejects:
        reasons = "\n".join(reason for language in row.reasons.values() for reason in language)
        table.add_row(row.file, str(row.line), "\n".join(row.fields), reasons)
    return table


def _in_force(result: Figures) -> Table:
    table = _table(word("in_force"), "why", "entries_count", "lines_count")
    for code, in_force in result.in_force.items():
        style = "bold red" if code == "left_over" else None
        table.add_row(word(code), str(len(in_force.entries)), str(in_force.lines), style=style)
    return table


def _deadlines(run: Run, result: Figures) -> Table:
    title = word("deadlines") if run.number == 1 else word("deadlines_of_all")
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    day = today_in_shanghai(run.clock).isoformat() if run.clock else "-"
    table.add_row(word("were_overdue", day=day), str(run.were_overdue))
    table.add_row(word("answered_late"), str(result.ledger.answered_late))
    table.add_row(word("undone_late"), str(result.ledger.undone_late))
    table.add_row(word("overdue_now"), str(result.ledger.overdue))
    table.add_row(word("rested"), str(run.rested))
    return table


def _speed(run: Run, result: Figures) -> Table:
    table = _table(word("speed"), "step", "seconds", "rate")
    lines = result.all_lines
    answered = run.took.get("list", 0.0) + run.took.get("answer", 0.0)
    undone = run.took.get("act", 0.0) + run.took.get("close", 0.0)
    _speed_row(table, "list_to_answered", answered, result.listed, lines.directed)
    _speed_row(table, "end_to_undone", undone, result.left, lines.undone + lines.never_applied)
    if run.interruptions:
        table.add_row(word("interrupted"), "", str(run.interruptions))
    return table


def _speed_row(table: Table, code: str, seconds: float, entries: int, lines: int) -> None:
    if seconds <= 0:
        return
    rate = word("per_second", entries=round(entries / seconds), lines=round(lines / seconds))
    table.add_row(word(code), f"{timedelta(seconds=seconds).total_seconds():.1f}", rate)
