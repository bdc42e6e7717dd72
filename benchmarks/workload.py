"""A realistic workload: many small streams and a few hot ones, subjects chosen by Zipf's law, events as large as real ones.

Invented subjects only. The same seed gives the same workload.
"""

import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any

from liandong.demo.subjects import InventedSubjects
from shared.contracts.event import DepartmentId, DomainId, EntryId, Event, PublicEvent
from shared.contracts.lawbook import (
    ListKind,
    Role,
    SubjectKind,
)
from shared.contracts.listing import (
    Decision,
    Entry,
    EntryPublished,
    EntryResumed,
    EntrySuspended,
    Notice,
    ResponsiblePerson,
    Subject,
)
from shared.decider import Decider
from shared.identity import Seal, SubjectKeys, mask_name, parse_secrets
from shared.ids import new_event_id

_FACTS = (
    "经查，被执行人有履行能力而拒不履行生效法律文书确定的义务，违反财产报告制度，经本院依法送达执行通知书与报告财产令后，"
    "在指定期限内仍未履行，亦未说明理由（示例事实，仅供测量）。"
)
_BASIS = "《中华人民共和国民事诉讼法》第二百六十六条；《关于公布失信被执行人名单信息的若干规定》第一条（示例）"
_DECIDED = date(2018, 3, 1)
_RESPONSIBLE_EVERY = 4
"""One in this number of entries has a responsible person."""


class Zipf:
    """Ranks 0 … count-1; rank r is chosen with weight 1/(r+1)^exponent."""

    def __init__(self, count: int, source: random.Random, exponent: float = 1.1) -> None:
        self._sums = list(accumulate(1 / (rank + 1) ** exponent for rank in range(count)))
        self._source = source

    def __call__(self) -> int:
        return bisect(self._sums, self._source.random() * self._sums[-1])


class Invented:
    """Subjects and entries by index."""

    def __init__(self, secrets: str, seed: int = 11) -> None:
        parsed = parse_secrets(secrets)
        self._keys: SubjectKeys = parsed.keys()
        self._seal: Seal = parsed.seal()
        self._subjects = InventedSubjects(seed)

    def company(self, index: int) -> Subject:
        one = self._subjects.company(index)
        return Subject(key=self._keys.legal(one.credit_code), kind=SubjectKind.LEGAL, name=one.name)

    def person(self, index: int) -> Subject:
        one = self._subjects.person(index)
        return Subject(
            key=self._keys.person(one.resident_id),
            kind=SubjectKind.PERSON,
            name=mask_name(one.name),
            sealed_name=self._seal.seal(one.name),
            sealed_number=self._seal.seal(one.resident_id),
        )

    def entry(self, index: int, subject: int, entry_id: str = "") -> Entry:
        """An entry on the black list of judgment defaulters."""
        department = DepartmentId("luoyang-court")
        representative = ResponsiblePerson(subject=self.person(subject), role=Role.LEGAL_REPRESENTATIVE)
        return Entry(
            entry_id=EntryId(entry_id or new_event_id()),
            list_kind=ListKind.BLACK,
            domain_id=DomainId("judgment-defaulters"),
            subject=self.company(subject),
            responsible=(representative,) if index % _RESPONSIBLE_EVERY == 0 else (),
            initiated_by=department,
            published_by=department,
            decision=Decision(
                document_number=f"（示例2018）执{index:07d}号",
                decided_by=department,
                decided_on=_DECIDED,
                facts=_FACTS,
                legal_basis=_BASIS,
                act_ended_on=_DECIDED,
            ),
            notice=Notice(served_on=_DECIDED - timedelta(days=20), plea_until=_DECIDED - timedelta(days=10)),
            jurisdiction="410300",
            term_from=_DECIDED,
            term_to=date(2030, 3, 1),
            public=True,
        )


_SUSPENDED_EVERY = 10


def listings(
    invented: Invented, subject: Callable[[], int], entries: int, version: int, first: int = 0
) -> Iterator[PublicEvent]:
    """Entries of the subjects given by `subject`; every tenth is suspended and resumed. `version`: of the law book."""
    for index in range(first, first + entries):
        entry = invented.entry(index, subject())
        common: dict[str, Any] = {"entry_id": entry.entry_id, "subject": entry.subject.key, "lawbook_version": version}
        yield EntryPublished(**common, entry=entry)
        if index % _SUSPENDED_EVERY == 0:
            yield EntrySuspended(**common, case_id="case", reason="异议核实（示例）")
            yield EntryResumed(**common, case_id="case", reason="异议不成立（示例）")


# --- an aggregate for the engine's benches: an entry with the cases that suspend it ------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    entry: Entry
    cases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Publish:
    entry: Entry


@dataclass(frozen=True, slots=True)
class Toggle:
    """Suspend the entry, or resume a suspended one: the stream of a hot entry grows."""

    case_id: str


Command = Publish | Toggle


def decide(state: Listed | None, command: Command, now: datetime) -> Sequence[Event]:
    del now
    match command:
        case Publish(entry):
            if state is not None:
                raise ValueError("published already")
            return [EntryPublished(entry_id=entry.entry_id, subject=entry.subject.key, lawbook_version=1, entry=entry)]
        case Toggle(case_id):
            if state is None:
                raise ValueError("not published")
            kind = EntryResumed if state.cases else EntrySuspended
            case = next(iter(state.cases), case_id)
            entry = state.entry
            return [
                kind(
                    entry_id=entry.entry_id,
                    subject=entry.subject.key,
                    lawbook_version=1,
                    case_id=case,
                    reason="异议核实期间暂停惩戒（示例）",
                )
            ]


def evolve(state: Listed | None, event: Event) -> Listed | None:
    match event:
        case EntryPublished():
            return Listed(event.entry)
        case EntrySuspended() if state is not None:
            return Listed(state.entry, state.cases | {event.case_id})
        case EntryResumed() if state is not None:
            return Listed(state.entry, state.cases - {event.case_id})
        case _:
            raise TypeError(event.TYPE)


ENTRIES: Decider[Listed | None, Command] = Decider("entry", None, decide, evolve)

_NOT_YET_OLD = 64
"""The newest streams are not used: concurrent writers may not have created them yet."""

Order = tuple[str, Command]
"""The aggregate's id and the command."""


class Orders:
    """Endless commands: most create a new stream, the others go to old ones by Zipf's law (the first are the hottest)."""

    def __init__(self, invented: Invented, seed: int, subjects: int = 10_000, share_new: float = 0.8) -> None:
        self._invented = invented
        self._source = random.Random(seed)
        self._subject = Zipf(subjects, self._source)
        self._rank = Zipf(subjects, self._source, 0.8)
        self._share_new = share_new
        self._known: list[str] = []
        self._remembered = (
            subjects + _NOT_YET_OLD
        )  # later streams are never chosen, so a long run need not remember more of them
        self._count = 0

    def take(self, count: int) -> list[Order]:
        return [self._next() for _ in range(count)]

    def _next(self) -> Order:
        self._count += 1
        old = len(self._known) - _NOT_YET_OLD
        if old <= 0 or self._source.random() < self._share_new:
            entry = self._invented.entry(self._count, self._subject())
            if len(self._known) < self._remembered:
                self._known.append(entry.entry_id)
            return entry.entry_id, Publish(entry)
        return self._known[self._rank() % old], Toggle(f"case-{self._count}")
