"""What follows from a subject's file: given what happened, when something comes, then this is ordered."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.domain.deciding import (
    LAW_CHANGED,
    Because,
    Command,
    Drop,
    End,
    Record,
    ResolveAgain,
    Resume,
    Suspend,
    decide,
)
from services.registry.domain.events import EntryEndedInFile, EntryRecorded, FileResolvedAgain
from services.registry.domain.file import INITIAL, SubjectFile, evolve
from shared.contracts.event import (
    DepartmentId,
    DomainId,
    EntryId,
    Event,
    EventId,
    InstrumentId,
    LineId,
    MeasureId,
    SubjectKey,
)
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Department,
    Domain,
    Duty,
    Force,
    Instrument,
    ListKind,
    Measure,
    MeasureKind,
    Role,
    SubjectKind,
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import (
    DepartmentPublished,
    DomainPublished,
    InstrumentPublished,
    LawbookChange,
    MeasurePublished,
    PolicyPublished,
)
from shared.contracts.listing import Cause, Decision, Entry, Origin, ResponsiblePerson, Subject
from shared.contracts.response import (
    EndMode,
    RefusalReason,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseRefused,
    ResponseResumed,
    ResponseSuspended,
)
from shared.lawbook.book import LawBook
from shared.rejection import Rejected
from tests.policies import a_policy

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
COURT, FINANCE, BANK = DepartmentId("court"), DepartmentId("finance"), DepartmentId("bank")
COMPANY = Subject(key=SubjectKey("uscc:示例一"), kind=SubjectKind.LEGAL, name="示例第一商贸有限公司")
DIRECTOR = Subject(key=SubjectKey("person:ab12"), kind=SubjectKind.PERSON, name="示＊")
BASIS = Basis(document="示例法", article="第一条", valid_from=date(2017, 1, 1), valid_to=date(2027, 12, 31))


def a_measure(measure_id: str, target: Target, **changed: object) -> Measure:
    given = {
        "measure_id": MeasureId(measure_id),
        "version": 1,
        "text_zh": f"示例措施{measure_id}",
        "clause": "示例条款",
        "kind": MeasureKind.DISCIPLINE,
        "constraint": Constraint.ADMINISTRATIVE,
        "force": Force.MANDATORY,
        "duty": Duty.OWED,
        "works": Works.LASTING,
        "target": target,
        "implementers": (COURT,),
        "basis": (BASIS,),
        "instrument_id": InstrumentId("memo"),
        "on_end": Undoing.STOP,
        "on_error": Undoing.RESTORE,
        "published": True,
        "effective_from": date(2017, 1, 1),
    }
    return Measure.model_validate({**given, **changed})


def on_black(**changed: object) -> Target:
    return Target.model_validate({"lists": (ListKind.BLACK,), **changed})


def a_book(*measures: Measure) -> LawBook:
    memo = Instrument(
        instrument_id=InstrumentId("memo"),
        version=1,
        kind="memorandum",
        title_zh="示例合作备忘录",
        document_number="示例〔2017〕1号",
        issued_by="示例",
        region="410300",
        in_force_from=date(2017, 1, 1),
    )
    domains = [
        Domain(domain_id=DomainId(d), name_zh=d, name_en=d, lists=tuple(ListKind), may_list=(COURT,)) for d in "ABC"
    ]
    bodies = [Department(department_id=d, name_zh=d, name_en=d, region="410300") for d in (COURT, FINANCE, BANK)]
    book = LawBook.empty()
    for body in bodies:
        book = _with(book, DepartmentPublished(lawbook_version=book.version + 1, department=body))
    for domain in domains:
        book = _with(book, DomainPublished(lawbook_version=book.version + 1, domain=domain))
    book = _with(book, InstrumentPublished(lawbook_version=book.version + 1, instrument=memo))
    for measure in measures:
        book = _with(book, MeasurePublished(lawbook_version=book.version + 1, measure=measure))
    return book


def _with(book: LawBook, change: LawbookChange) -> LawBook:
    return book.with_change(change)


def an_entry(entry_id: str = "e1", domain: str = "A", **changed: object) -> Entry:
    given = {
        "entry_id": EntryId(entry_id),
        "list_kind": ListKind.BLACK,
        "domain_id": DomainId(domain),
        "subject": COMPANY,
        "initiated_by": COURT,
        "published_by": COURT,
        "decision": Decision(
            document_number="示例〔2020〕1号",
            decided_by=COURT,
            decided_on=date(2020, 1, 2),
            facts="示例",
            legal_basis="示例法第一条",
        ),
        "jurisdiction": "410302",
        "term_from": date(2020, 1, 2),
        "term_to": date(2030, 1, 1),
        "public": True,
    }
    return Entry.model_validate({**given, **changed})


def because(book: LawBook, kind: str = "list.entry.published.v1", event_id: str = "le") -> Because:
    return Because(EventId(event_id), kind, book)


def record(book: LawBook, entry: Entry, of: Subject = COMPANY, roles: tuple[Role, ...] = ()) -> Record:
    return Record(because(book), of, entry, roles)


def end(book: LawBook, entry_id: str = "e1", mode: EndMode = EndMode.FROM_NOW) -> End:
    return End(because(book, "list.entry.ended.v1"), EntryId(entry_id), mode, Cause.TERM, "期限届满", NOW.date())


def when(file: SubjectFile, *commands: Command) -> tuple[SubjectFile, list[Event]]:
    events: list[Event] = []
    for command in commands:
        events = list(decide(file, command, NOW))
        for event in events:
            file = evolve(file, event)
    return file, events


def lines(events: Sequence[Event], kind: type[ResponseSuspended | ResponseResumed | ResponseEnded]) -> set[str]:
    return {line for event in events if isinstance(event, kind) for line in event.lines}


def directed(events: Sequence[Event]) -> dict[str, str]:
    """Line → measure."""
    found = [event for event in events if isinstance(event, ResponseDirected)]
    return {line.line_id: line.measure_id for event in found for line in event.lines}


def refusals(events: Sequence[Event]) -> dict[str, RefusalReason]:
    return {
        one.measure_id: one.reason for event in events if isinstance(event, ResponseRefused) for one in event.refused
    }


def test_every_implementer_of_every_measure_gets_its_line() -> None:
    book = a_book(
        a_measure("m1", on_black(), implementers=(COURT, FINANCE)), a_measure("m2", on_black(), implementers=(FINANCE,))
    )
    _, events = when(INITIAL, record(book, an_entry()))
    assert sorted(directed(events).values()) == ["m1", "m1", "m2"]
    responses = [event for event in events if isinstance(event, ResponseDirected)]
    assert {event.department for event in responses} == {COURT, FINANCE}
    assert len({event.response_id for event in responses}) == 2


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"published": False}, RefusalReason.UNPUBLISHED),
        ({"effective_from": date(2021, 1, 1)}, RefusalReason.NOT_YET_EFFECTIVE),
        ({"effective_to": date(2019, 1, 1)}, RefusalReason.RETIRED),
        ({"instrument_id": InstrumentId("none")}, RefusalReason.INSTRUMENT_NOT_IN_FORCE),
        (
            {"basis": (BASIS.model_copy(update={"valid_to": date(2019, 12, 31)}),)},
            RefusalReason.BASIS_NOT_VALID,
        ),
        ({"implementers": ()}, RefusalReason.NO_IMPLEMENTER),
    ],
)
def test_a_measure_without_a_published_basis_is_refused_with_the_reason_and_directed_to_nobody(
    changed: dict[str, object], reason: RefusalReason
) -> None:
    book = a_book(a_measure("m1", on_black(), **changed))
    _, events = when(INITIAL, record(book, an_entry()))
    assert directed(events) == {}
    assert refusals(events) == {"m1": reason}


def test_an_instrument_of_another_region_says_nothing_here() -> None:
    book = a_book(a_measure("m1", on_black()))
    _, events = when(INITIAL, record(book, an_entry(jurisdiction="320681")))
    assert directed(events) == {}
    assert refusals(events) == {}


def test_only_who_is_able_and_unwilling_is_reached_where_the_measure_says_so() -> None:
    book = a_book(a_measure("m1", on_black(able_but_unwilling=True)))
    assert directed(when(INITIAL, record(book, an_entry()))[1]) == {}
    assert directed(when(INITIAL, record(book, an_entry(able_but_unwilling=True)))[1])


def test_a_later_harsher_version_does_not_reach_back() -> None:
    mild = a_measure("m1", on_black(grades=("serious",)))
    harsh = a_measure("m1", on_black(), version=2, effective_from=date(2024, 1, 1))
    _, events = when(INITIAL, record(a_book(mild, harsh), an_entry(grade="minor")))
    assert directed(events) == {}


def test_a_responsible_person_gets_the_measures_of_its_roles_and_no_others() -> None:
    book = a_book(
        a_measure("ban", on_black(roles=(Role.DIRECTOR,))),
        a_measure("company-only", on_black()),
        a_measure("others", on_black(roles=(Role.SHAREHOLDER,), reaches_subject=False)),
    )
    entry = an_entry(responsible=(ResponsiblePerson(subject=DIRECTOR, role=Role.DIRECTOR),))
    _, events = when(INITIAL, record(book, entry, DIRECTOR, (Role.DIRECTOR,)))
    assert set(directed(events).values()) == {"ban"}
    [response] = [event for event in events if isinstance(event, ResponseDirected)]
    assert response.subject == DIRECTOR.key
    assert response.entry_subject == COMPANY.key


def test_a_second_domain_adds_and_its_removal_takes_away() -> None:
    book = a_book(a_measure("m1", on_black()), a_measure("more", on_black(distinct_domains=2, domains=("A",))))
    file, alone = when(INITIAL, record(book, an_entry("e1", "A")))
    assert set(directed(alone).values()) == {"m1"}
    file, both = when(file, record(book, an_entry("e2", "B")))
    assert sorted(directed(both).values()) == ["m1", "more"]
    file, after = when(file, end(book, "e2"))
    assert {file.lines[line].measure_id for line in map(LineId, lines(after, ResponseEnded))} == {"m1", "more"}
    assert {line.measure_id for line in file.lines.values() if line.ended is None} == {"m1"}


def test_a_line_that_was_ended_is_not_revived_but_directed_anew() -> None:
    book = a_book(a_measure("more", on_black(distinct_domains=2)))
    file, _ = when(INITIAL, record(book, an_entry("e1", "A")), record(book, an_entry("e2", "B")))
    first = set(file.lines)
    file, _ = when(file, end(book, "e2"), record(book, an_entry("e3", "C")))
    again = {line.line_id for line in file.lines.values() if line.ended is None and line.entry_id == "e1"}
    assert again and again.isdisjoint(first)


def test_the_end_of_an_entry_ends_all_its_lines_and_nothing_twice() -> None:
    book = a_book(a_measure("m1", on_black(), implementers=(COURT, FINANCE)))
    file, started = when(INITIAL, record(book, an_entry()))
    file, ended = when(file, end(book))
    assert lines(ended, ResponseEnded) == set(directed(started))
    _, again = when(file, end(book))
    assert lines(again, ResponseEnded) == set()


def test_an_entry_found_wrong_after_it_expired_is_undone_from_the_beginning() -> None:
    book = a_book(a_measure("m1", on_black()))
    file, started = when(INITIAL, record(book, an_entry()), end(book))
    _, events = when(file, end(book, mode=EndMode.FROM_BEGINNING))
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_BEGINNING
    assert set(ended.lines) == set(file.lines)
    assert started


def test_a_correction_ends_from_the_beginning_what_no_longer_follows() -> None:
    book = a_book(a_measure("m1", on_black(grades=("serious",))), a_measure("m2", on_black()))
    file, _ = when(INITIAL, record(book, an_entry(grade="serious")))
    corrected = Record(because(book, "list.entry.corrected.v1"), COMPANY, an_entry(grade="minor"))
    file, events = when(file, corrected)
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_BEGINNING
    assert [file.lines[line].measure_id for line in ended.lines] == ["m1"]


def test_a_person_dropped_by_a_correction_is_freed() -> None:
    book = a_book(a_measure("ban", on_black(roles=(Role.DIRECTOR,))))
    file, started = when(INITIAL, record(book, an_entry(), DIRECTOR, (Role.DIRECTOR,)))
    _, events = when(file, Drop(because(book, "list.entry.corrected.v1"), EntryId("e1")))
    assert lines(events, ResponseEnded) == set(directed(started))


def test_suspension_touches_punishments_only() -> None:
    book = a_book(
        a_measure("m1", on_black()),
        a_measure("help", on_black(), kind=MeasureKind.INCENTIVE),
    )
    file, started = when(INITIAL, record(book, an_entry()))
    punished = {line for line, measure in directed(started).items() if measure == "m1"}
    file, paused = when(file, Suspend(because(book), EntryId("e1"), "异议核实"))
    assert lines(paused, ResponseSuspended) == punished
    _, on = when(file, Resume(because(book), EntryId("e1"), "异议不成立"))
    assert lines(on, ResponseResumed) == punished


def test_a_line_added_to_a_suspended_entry_is_suspended_at_once() -> None:
    book = a_book(a_measure("m1", on_black()), a_measure("more", on_black(distinct_domains=2, domains=("A",))))
    file, _ = when(INITIAL, record(book, an_entry("e1", "A")), Suspend(because(book), EntryId("e1"), "异议核实"))
    _, events = when(file, record(book, an_entry("e2", "B")))
    of_first = {line for line, measure in directed(events).items() if measure == "more"}
    assert lines(events, ResponseSuspended) == of_first


# --- when the law changes --------------------------------------------------------------------------------------------


def and_then(book: LawBook, *measures: Measure) -> LawBook:
    for measure in measures:
        book = _with(book, MeasurePublished(lawbook_version=book.version + 1, measure=measure))
    return book


def test_a_file_in_which_nothing_follows_differently_notes_nothing() -> None:
    book = a_book(a_measure("m1", on_black()))
    file, _ = when(INITIAL, record(book, an_entry()))
    later = and_then(book, a_measure("m2", on_black()), a_measure("m1", on_black(), version=2))
    assert when(file, ResolveAgain(later))[1] == []
    assert when(INITIAL, ResolveAgain(later))[1] == []


def test_what_a_later_law_takes_away_ends_from_now_on_with_the_reason_and_the_versions() -> None:
    book = a_book(a_measure("m1", on_black()), a_measure("m2", on_black()))
    file, started = when(INITIAL, record(book, an_entry()))
    later = and_then(book, a_measure("m1", on_black(), version=2, effective_to=date(2025, 12, 31)))
    file, events = when(file, ResolveAgain(later))
    noted, amended, ended, refused = events
    assert isinstance(noted, FileResolvedAgain)
    assert (noted.before_lawbook_version, noted.lawbook_version) == (book.version, later.version)
    assert isinstance(ended, ResponseEnded) and isinstance(amended, ResponseAmended)
    assert (ended.mode, ended.reason) == (EndMode.FROM_NOW, LAW_CHANGED)
    assert amended.ended == ended.lines and amended.before_lawbook_version == book.version
    assert [directed(started)[line] for line in ended.lines] == ["m1"]
    assert refusals([refused]) == {"m1": RefusalReason.RETIRED}
    assert amended.list_event_id == "le", "the list event that is concluded anew is the entry's own"
    assert when(file, ResolveAgain(later))[1] == [], "once and for all"


def test_a_milder_edition_replaces_the_line() -> None:
    book = a_book(a_measure("m1", on_black()))
    file, _ = when(INITIAL, record(book, an_entry()))
    milder = a_measure("m1", on_black(), version=2, force=Force.RECOMMENDED, effective_from=date(2024, 1, 1))
    later = and_then(book, milder)
    file, events = when(file, ResolveAgain(later))
    [amended] = [event for event in events if isinstance(event, ResponseAmended)]
    assert len(amended.ended) == len(amended.added) == 1 and amended.ended != amended.added
    assert set(directed(events)) == set(amended.added)
    [standing] = [line for line in file.lines.values() if line.ended is None]
    assert standing.measure_version == 2
    assert when(file, ResolveAgain(later))[1] == []


def test_a_law_that_changed_unnoticed_is_put_into_effect_before_anything_else_is_concluded() -> None:
    book = a_book(a_measure("m1", on_black()), a_measure("m2", on_black()))
    file, _ = when(INITIAL, record(book, an_entry()))
    later = and_then(book, a_measure("m1", on_black(), version=2, published=False, effective_from=date(2024, 1, 1)))
    corrected = Record(because(later, "list.entry.corrected.v1"), COMPANY, an_entry(grade="minor"))
    _, events = when(file, corrected)
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert (ended.mode, ended.reason) == (EndMode.FROM_NOW, LAW_CHANGED)
    assert isinstance(events[0], FileResolvedAgain)


def test_a_correction_is_judged_by_the_law_that_validated_the_publication() -> None:
    book = a_book(a_measure("m1", on_black()))
    file, _ = when(INITIAL, record(book, an_entry()))
    later = and_then(book, a_measure("m2", on_black()))
    _, events = when(file, Record(because(later, "list.entry.corrected.v1"), COMPANY, an_entry(grade="minor")))
    assert directed(events) == {}


def test_whoever_is_listed_while_the_registry_already_knows_a_later_law_is_judged_by_the_one_that_validated() -> None:
    book = a_book(a_measure("m1", on_black()))
    later = and_then(book, a_measure("m2", on_black()))
    told = Because(EventId("le"), "list.entry.published.v1", later, validated_by=book.version)
    _, events = when(INITIAL, Record(told, COMPANY, an_entry()))
    assert set(directed(events).values()) == {"m1"}


def test_incentives_rest_while_a_black_entry_stands_and_come_back_after_it() -> None:
    book = a_book(
        a_measure("help", Target(lists=(ListKind.RED,)), kind=MeasureKind.INCENTIVE), a_measure("m1", on_black())
    )
    book = _with(book, PolicyPublished(lawbook_version=book.version + 1, policy=a_policy(red_yields_to=("black",))))
    red = an_entry("e1", list_kind=ListKind.RED)
    file, started = when(INITIAL, record(book, red))
    assert set(directed(started).values()) == {"help"}
    file, blackened = when(file, record(book, an_entry("e2", "B")))
    [ended] = [event for event in blackened if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_NOW and set(ended.lines) == set(directed(started))
    _, again = when(file, end(book, "e2"))
    assert set(directed(again).values()) == {"help"}


def test_a_list_of_a_third_party_counts_for_nothing_beside_others() -> None:
    book = a_book(a_measure("more", on_black(distinct_domains=2)))
    reference = an_entry("e2", "B", origin=Origin.THIRD_PARTY)
    file, _ = when(INITIAL, record(book, an_entry("e1", "A")), record(book, reference))
    assert not file.lines


def test_a_change_of_an_unknown_entry_is_refused() -> None:
    with pytest.raises(Rejected):
        decide(INITIAL, end(a_book()), NOW)


def test_a_second_publication_of_one_entry_is_refused() -> None:
    book = a_book()
    file, _ = when(INITIAL, record(book, an_entry()))
    with pytest.raises(Rejected):
        decide(file, record(book, an_entry()), NOW)


MEASURES = (
    a_measure("m1", on_black(), implementers=(COURT, FINANCE)),
    a_measure("m2", on_black(distinct_domains=2), implementers=(BANK,)),
    a_measure("m3", on_black(grades=("serious",))),
    a_measure("hidden", on_black(), published=False),
    a_measure("old", on_black(), basis=(BASIS.model_copy(update={"valid_to": date(2019, 1, 1)}),)),
)
BOOK = a_book(*MEASURES)
LATER = and_then(
    BOOK,
    a_measure("m1", on_black(), version=2, implementers=(COURT,), effective_from=date(2024, 1, 1)),
    a_measure("m3", on_black(), version=2, published=False, effective_from=date(2024, 1, 1)),
    a_measure("harsh", on_black()),
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["publish", "correct", "suspend", "resume", "expire", "revoke", "law"]),
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["serious", "minor"]),
    ),
    max_size=12,
)


def command_of(step: tuple[str, str, str]) -> Command:
    name, domain, grade = step
    entry_id = EntryId(f"e{domain}")
    match name:
        case "publish":
            return record(BOOK, an_entry(entry_id, domain, grade=grade))
        case "correct":
            return Record(because(BOOK, "list.entry.corrected.v1"), COMPANY, an_entry(entry_id, domain, grade=grade))
        case "suspend":
            return Suspend(because(BOOK), entry_id, "异议核实")
        case "resume":
            return Resume(because(BOOK), entry_id, "异议不成立")
        case "expire":
            return end(BOOK, entry_id)
        case "law":
            return ResolveAgain(LATER)
        case _:
            return end(BOOK, entry_id, EndMode.FROM_BEGINNING)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_whatever_happens_only_what_follows_stands_and_every_line_ends_with_its_entry(
    steps: list[tuple[str, str, str]],
) -> None:
    file, history = INITIAL, cast("list[Event]", [])
    for step in steps:
        try:
            events = decide(file, command_of(step), NOW)
        except Rejected:
            continue
        for event in events:
            file = evolve(file, event)
        history += events
    for line in file.lines.values():
        held = file.entries[line.entry_id]
        assert held.stands or line.ended is not None
        assert line.measure_id not in {"hidden", "old", "harsh"}
        assert line.ended or line.suspended == held.suspended
    ordered = [line for event in history if isinstance(event, ResponseDirected) for line in event.lines]
    assert len(ordered) == len({line.line_id for line in ordered}), "no line is directed twice"
    revoked = {e.entry_id for e in history if isinstance(e, EntryEndedInFile) and e.mode is EndMode.FROM_BEGINNING}
    assert all(line.ended is EndMode.FROM_BEGINNING for line in file.lines.values() if line.entry_id in revoked)
    refolded = INITIAL
    for event in history:
        refolded = evolve(refolded, event)
    assert refolded == file, "the file is what its events say"
    assert all(isinstance(event, EntryRecorded) or event.TYPE for event in history)
