"""What follows from a subject's file: given its history, when a command comes, then these responses are ordered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.registry.domain.commands import Command, Drop, End, Record, ResolveAgain, Resume, Suspend, Trigger
from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.events import EntryEndedInFile, EntryRecorded, FileResolvedAgain, PublicityChanged
from services.registry.domain.file import SubjectFile
from services.registry.domain.law_change import LAW_CHANGED
from shared.contracts.event import DepartmentId, EntryId, Event, EventId, InstrumentId, LineId
from shared.contracts.lawbook import (
    Basis,
    Force,
    ListKind,
    Measure,
    MeasureKind,
    Role,
    SubjectKind,
    Target,
    Works,
)
from shared.contracts.listing import Cause, Entry, Origin, ResponsiblePerson, Subject, Suspends
from shared.contracts.policy import Policy
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
from shared.lawbook.items import publications
from shared.lawbook.terms import months_after
from tests import builders
from tests.builders import a_book, a_decision, a_department, a_domain, a_subject, an_instrument
from tests.decider import Given, given
from tests.policies import a_policy

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
COURT, FINANCE, BANK = DepartmentId("court"), DepartmentId("finance"), DepartmentId("bank")
COMPANY = a_subject()
DIRECTOR = a_subject("person:ab12", kind=SubjectKind.PERSON, name="示＊")
BASIS = Basis(document="示例法", article="第一条", valid_from=date(2017, 1, 1), valid_to=date(2027, 12, 31))
EMPTY = given(SUBJECT_FILE, now=NOW)
File = Given[SubjectFile, Command]


def punishment(measure_id: str, target: Target, **changes: Any) -> Measure:
    """A lasting punishment by the instrument `memo`, carried out by the court, since 2017."""
    standard: dict[str, Any] = {
        "target": target,
        "works": Works.LASTING,
        "implementers": (COURT,),
        "basis": (BASIS,),
        "effective_from": date(2017, 1, 1),
    }
    return builders.a_measure(measure_id, **{**standard, **changes})


def on_black(**changed: object) -> Target:
    return Target.model_validate({"lists": (ListKind.BLACK,), **changed})


def book_of(*measures: Measure) -> LawBook:
    """Three departments, the domains A, B and C, the instrument `memo` of Luoyang, and these measures."""
    departments = [a_department(name) for name in (COURT, FINANCE, BANK)]
    domains = [a_domain(name, may_list=(COURT,)) for name in "ABC"]
    memo = an_instrument("memo", region="410300", in_force_from=date(2017, 1, 1))
    return a_book([*departments, *domains, memo, *measures])


def black_entry(entry_id: str = "e1", domain: str = "A", **changes: Any) -> Entry:
    """A black entry of the company, decided by the court in 2020."""
    standard: dict[str, Any] = {
        "domain_id": domain,
        "subject": COMPANY,
        "initiated_by": COURT,
        "decision": a_decision(decided_by=COURT, decided_on=date(2020, 1, 2)),
        "jurisdiction": "410302",
        "term_from": date(2020, 1, 2),
        "term_to": date(2030, 1, 1),
    }
    return builders.an_entry(entry_id, **{**standard, **changes})


def trigger(book: LawBook, kind: str = "list.entry.published.v1", event_id: str = "le") -> Trigger:
    return Trigger(EventId(event_id), kind, book)


def record(book: LawBook, entry: Entry, of: Subject = COMPANY, roles: tuple[Role, ...] = ()) -> Record:
    return Record(trigger(book), of, entry, roles)


def correct(book: LawBook, entry: Entry) -> Record:
    return Record(trigger(book, "list.entry.corrected.v1"), COMPANY, entry)


def end(book: LawBook, entry_id: str = "e1", mode: EndMode = EndMode.FROM_NOW) -> End:
    return End(trigger(book, "list.entry.ended.v1"), EntryId(entry_id), mode, Cause.TERM, "期限届满", NOW.date())


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
    book = book_of(
        punishment("m1", on_black(), implementers=(COURT, FINANCE)),
        punishment("m2", on_black(), implementers=(FINANCE,)),
    )
    events = EMPTY.when(record(book, black_entry())).events
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
def test_a_measure_without_a_published_basis_is_refused_with_the_reason_and_not_directed(
    changed: dict[str, object], reason: RefusalReason
) -> None:
    book = book_of(punishment("m1", on_black(), **changed))
    events = EMPTY.when(record(book, black_entry())).events
    assert directed(events) == {}
    assert refusals(events) == {"m1": reason}


def test_an_instrument_of_another_region_does_not_apply_here() -> None:
    book = book_of(punishment("m1", on_black()))
    events = EMPTY.when(record(book, black_entry(jurisdiction="320681"))).events
    assert directed(events) == {}
    assert refusals(events) == {}


def test_some_measures_reach_only_subjects_that_are_able_but_unwilling() -> None:
    book = book_of(punishment("m1", on_black(able_but_unwilling=True)))
    assert directed(EMPTY.when(record(book, black_entry())).events) == {}
    assert directed(EMPTY.when(record(book, black_entry(able_but_unwilling=True))).events)


def test_a_later_harsher_version_does_not_reach_back() -> None:
    mild = punishment("m1", on_black(grades=("serious",)))
    harsh = punishment("m1", on_black(), version=2, effective_from=date(2024, 1, 1))
    events = EMPTY.when(record(book_of(mild, harsh), black_entry(grade="minor"))).events
    assert directed(events) == {}


def test_a_responsible_person_gets_the_measures_of_its_roles_and_no_others() -> None:
    book = book_of(
        punishment("ban", on_black(roles=(Role.DIRECTOR,))),
        punishment("company-only", on_black()),
        punishment("others", on_black(roles=(Role.SHAREHOLDER,), reaches_subject=False)),
    )
    entry = black_entry(responsible=(ResponsiblePerson(subject=DIRECTOR, role=Role.DIRECTOR),))
    events = EMPTY.when(record(book, entry, DIRECTOR, (Role.DIRECTOR,))).events
    assert set(directed(events).values()) == {"ban"}
    [response] = [event for event in events if isinstance(event, ResponseDirected)]
    assert response.subject == DIRECTOR.key
    assert response.entry_subject == COMPANY.key


def test_a_second_domain_adds_and_its_removal_takes_away() -> None:
    book = book_of(punishment("m1", on_black()), punishment("more", on_black(distinct_domains=2, domains=("A",))))
    outcome = EMPTY.when(record(book, black_entry("e1", "A")))
    file, alone = outcome.next, outcome.events
    assert set(directed(alone).values()) == {"m1"}
    outcome = file.when(record(book, black_entry("e2", "B")))
    file, both = outcome.next, outcome.events
    assert sorted(directed(both).values()) == ["m1", "more"]
    outcome = file.when(end(book, "e2"))
    file, after = outcome.next, outcome.events
    assert {file.state.lines[line].measure_id for line in map(LineId, lines(after, ResponseEnded))} == {"m1", "more"}
    assert {line.measure_id for line in file.state.lines.values() if line.ended is None} == {"m1"}


def test_a_line_that_was_ended_is_not_revived_but_directed_anew() -> None:
    book = book_of(punishment("more", on_black(distinct_domains=2)))
    file = EMPTY.having(record(book, black_entry("e1", "A")), record(book, black_entry("e2", "B")))
    first = set(file.state.lines)
    file = file.having(end(book, "e2"), record(book, black_entry("e3", "C")))
    again = {line.line_id for line in file.state.lines.values() if line.ended is None and line.entry_id == "e1"}
    assert again and again.isdisjoint(first)


def test_the_end_of_an_entry_ends_each_of_its_lines_once() -> None:
    book = book_of(punishment("m1", on_black(), implementers=(COURT, FINANCE)))
    outcome = EMPTY.when(record(book, black_entry()))
    file, started = outcome.next, outcome.events
    outcome = file.when(end(book))
    file, ended = outcome.next, outcome.events
    assert lines(ended, ResponseEnded) == set(directed(started))
    again = file.when(end(book)).events
    assert lines(again, ResponseEnded) == set()


def test_an_entry_found_wrong_after_it_expired_is_undone_from_the_beginning() -> None:
    book = book_of(punishment("m1", on_black()))
    outcome = EMPTY.having(record(book, black_entry())).when(end(book))
    file, started = outcome.next, outcome.events
    events = file.when(end(book, mode=EndMode.FROM_BEGINNING)).events
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_BEGINNING
    assert set(ended.lines) == set(file.state.lines)
    assert started


def test_a_correction_ends_from_the_beginning_what_no_longer_follows() -> None:
    book = book_of(punishment("m1", on_black(grades=("serious",))), punishment("m2", on_black()))
    file = EMPTY.having(record(book, black_entry(grade="serious")))
    corrected = correct(book, black_entry(grade="minor"))
    outcome = file.when(corrected)
    file, events = outcome.next, outcome.events
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_BEGINNING
    assert [file.state.lines[line].measure_id for line in ended.lines] == ["m1"]


def test_a_person_dropped_by_a_correction_is_freed() -> None:
    book = book_of(punishment("ban", on_black(roles=(Role.DIRECTOR,))))
    outcome = EMPTY.when(record(book, black_entry(), DIRECTOR, (Role.DIRECTOR,)))
    file, started = outcome.next, outcome.events
    events = file.when(Drop(trigger(book, "list.entry.corrected.v1"), EntryId("e1"))).events
    assert lines(events, ResponseEnded) == set(directed(started))


def test_suspension_touches_punishments_only() -> None:
    book = book_of(
        punishment("m1", on_black()),
        punishment("help", on_black(), kind=MeasureKind.INCENTIVE),
    )
    outcome = EMPTY.when(record(book, black_entry()))
    file, started = outcome.next, outcome.events
    punished = {line for line, measure in directed(started).items() if measure == "m1"}
    outcome = file.when(Suspend(trigger(book), EntryId("e1"), "异议核实"))
    file, paused = outcome.next, outcome.events
    assert lines(paused, ResponseSuspended) == punished
    on = file.when(Resume(trigger(book), EntryId("e1"), "异议不成立")).events
    assert lines(on, ResponseResumed) == punished


def test_a_suspension_of_publicity_alone_touches_no_measure_and_a_later_suspension_replaces_it() -> None:
    book = book_of(punishment("m1", on_black()))
    file = EMPTY.having(record(book, black_entry()))
    outcome = file.when(Suspend(trigger(book), EntryId("e1"), "异议核实", (Suspends.PUBLICITY,)))
    assert lines(outcome.events, ResponseSuspended) == set()
    outcome = outcome.next.when(Suspend(trigger(book), EntryId("e1"), "决定待确认", (Suspends.MEASURES,)))
    assert lines(outcome.events, ResponseSuspended) == set(outcome.next.state.lines)
    assert outcome.next.state.entries[EntryId("e1")].suspends == {Suspends.MEASURES}
    outcome = outcome.next.when(Suspend(trigger(book), EntryId("e1"), "异议核实", (Suspends.SHARING,)))
    assert lines(outcome.events, ResponseResumed) == set(outcome.next.state.lines)


def test_a_line_added_to_a_suspended_entry_is_suspended_at_once() -> None:
    book = book_of(punishment("m1", on_black()), punishment("more", on_black(distinct_domains=2, domains=("A",))))
    file = EMPTY.having(record(book, black_entry("e1", "A")), Suspend(trigger(book), EntryId("e1"), "异议核实"))
    events = file.when(record(book, black_entry("e2", "B"))).events
    of_first = {line for line, measure in directed(events).items() if measure == "more"}
    assert lines(events, ResponseSuspended) == of_first


# --- publicity (row 20) ----------------------------------------------------------------------------------------------


def publicity(file: File, entry_id: str = "e1") -> tuple[bool, date, date | None]:
    found = file.state.entries[EntryId(entry_id)].publicity
    assert found is not None
    return found.allowed, found.from_day, found.until


def public_for(months: int, version: int = 1, since: date = date(2020, 1, 1)) -> Policy:
    lengths = [{"at_most_months": months}]
    return a_policy("publicity", version=version, effective_from=since, publicity_lengths=lengths)


def with_policies(book: LawBook, *policies: Policy) -> LawBook:
    return book.with_changes(publications(policies, book.version))


def test_an_entry_is_recorded_with_the_days_on_which_it_is_public() -> None:
    entry = black_entry()
    book = with_policies(book_of(), public_for(12))
    file = EMPTY.having(record(book, entry))
    assert publicity(file) == (True, entry.term_from, months_after(entry.decision.decided_on, 12))
    assert not publicity(EMPTY.having(record(book, entry.model_copy(update={"public": False}))))[0]


def test_a_shorter_policy_ends_publicity_from_yesterday_on_once() -> None:
    entry = black_entry()
    book = with_policies(book_of(), public_for(120))
    file = EMPTY.having(record(book, entry))
    shorter = with_policies(book, public_for(0, 2, date(2026, 1, 1)))
    outcome = file.when(ResolveAgain(shorter))
    assert [type(event) for event in outcome.events] == [PublicityChanged]
    assert publicity(outcome.next) == (True, entry.term_from, date(2026, 1, 4))
    outcome.next.when(ResolveAgain(shorter)).then_nothing()


def test_a_correction_that_takes_publicity_away_ends_it_from_yesterday_on() -> None:
    entry, book = black_entry(), book_of()
    file = EMPTY.having(record(book, entry))
    private = Record(
        trigger(book, "list.entry.corrected.v1"), entry.subject, entry.model_copy(update={"public": False})
    )
    assert publicity(file.having(private)) == (True, entry.term_from, date(2026, 1, 4))


def test_the_publicity_of_an_older_record_is_decided_when_its_file_is_resolved_again() -> None:
    book = book_of()
    file = EMPTY.having(record(book, entry := black_entry()))
    held = file.state.entries[EntryId("e1")]
    older = replace(file.state, entries={EntryId("e1"): replace(held, publicity=None)})
    outcome = replace(file, state=older).when(ResolveAgain(book))
    assert [type(event) for event in outcome.events] == [PublicityChanged]
    assert publicity(outcome.next) == (True, entry.term_from, entry.term_to)


# --- when the law changes --------------------------------------------------------------------------------------------


def and_then(book: LawBook, *measures: Measure) -> LawBook:
    """The book after these measures were published later."""
    return book.with_changes(publications(measures, book.version))


def test_a_file_without_changed_lines_gives_no_events() -> None:
    book = book_of(punishment("m1", on_black()))
    file = EMPTY.having(record(book, black_entry()))
    later = and_then(book, punishment("m2", on_black()), punishment("m1", on_black(), version=2))
    file.when(ResolveAgain(later)).then_nothing()
    EMPTY.when(ResolveAgain(later)).then_nothing()


def test_what_a_later_law_takes_away_ends_from_now_on_with_the_reason_and_the_versions() -> None:
    book = book_of(punishment("m1", on_black()), punishment("m2", on_black()))
    outcome = EMPTY.when(record(book, black_entry()))
    file, started = outcome.next, outcome.events
    later = and_then(book, punishment("m1", on_black(), version=2, effective_to=date(2025, 12, 31)))
    outcome = file.when(ResolveAgain(later))
    file, events = outcome.next, outcome.events
    noted, amended, ended, refused = events
    assert isinstance(noted, FileResolvedAgain)
    assert (noted.before_lawbook_version, noted.lawbook_version) == (book.version, later.version)
    assert isinstance(ended, ResponseEnded) and isinstance(amended, ResponseAmended)
    assert (ended.mode, ended.reason) == (EndMode.FROM_NOW, LAW_CHANGED)
    assert amended.ended == ended.lines and amended.before_lawbook_version == book.version
    assert [directed(started)[line] for line in ended.lines] == ["m1"]
    assert refusals([refused]) == {"m1": RefusalReason.RETIRED}
    assert amended.list_event_id == "le", "the list event that is processed again is the entry's own"
    file.when(ResolveAgain(later)).then_nothing()  # once and for all


def test_a_milder_edition_replaces_the_line() -> None:
    book = book_of(punishment("m1", on_black()))
    file = EMPTY.having(record(book, black_entry()))
    milder = punishment("m1", on_black(), version=2, force=Force.RECOMMENDED, effective_from=date(2024, 1, 1))
    later = and_then(book, milder)
    outcome = file.when(ResolveAgain(later))
    file, events = outcome.next, outcome.events
    [amended] = [event for event in events if isinstance(event, ResponseAmended)]
    assert len(amended.ended) == len(amended.added) == 1 and amended.ended != amended.added
    assert set(directed(events)) == set(amended.added)
    [standing] = [line for line in file.state.lines.values() if line.ended is None]
    assert standing.measure_version == 2
    file.when(ResolveAgain(later)).then_nothing()


def test_a_law_that_changed_unnoticed_is_put_into_effect_before_anything_else_is_concluded() -> None:
    book = book_of(punishment("m1", on_black()), punishment("m2", on_black()))
    file = EMPTY.having(record(book, black_entry()))
    later = and_then(book, punishment("m1", on_black(), version=2, published=False, effective_from=date(2024, 1, 1)))
    corrected = correct(later, black_entry(grade="minor"))
    events = file.when(corrected).events
    [ended] = [event for event in events if isinstance(event, ResponseEnded)]
    assert (ended.mode, ended.reason) == (EndMode.FROM_NOW, LAW_CHANGED)
    assert isinstance(events[0], FileResolvedAgain)


def test_a_correction_is_judged_by_the_law_that_validated_the_publication() -> None:
    book = book_of(punishment("m1", on_black()))
    file = EMPTY.having(record(book, black_entry()))
    later = and_then(book, punishment("m2", on_black()))
    events = file.when(correct(later, black_entry(grade="minor"))).events
    assert directed(events) == {}


def test_an_entry_is_judged_by_the_law_that_validated_it_when_the_registry_already_knows_a_later_one() -> None:
    book = book_of(punishment("m1", on_black()))
    later = and_then(book, punishment("m2", on_black()))
    validated = Trigger(EventId("le"), "list.entry.published.v1", later, validated_by=book.version)
    events = EMPTY.when(Record(validated, COMPANY, black_entry())).events
    assert set(directed(events).values()) == {"m1"}


def test_incentives_are_withheld_while_a_black_entry_is_active_and_return_after_it() -> None:
    book = book_of(
        punishment("help", Target(lists=(ListKind.RED,)), kind=MeasureKind.INCENTIVE), punishment("m1", on_black())
    )
    book = book.with_changes(publications([a_policy(red_yields_to=("black",))], book.version))
    red = black_entry("e1", list_kind=ListKind.RED)
    outcome = EMPTY.when(record(book, red))
    file, started = outcome.next, outcome.events
    assert set(directed(started).values()) == {"help"}
    outcome = file.when(record(book, black_entry("e2", "B")))
    file, blackened = outcome.next, outcome.events
    [ended] = [event for event in blackened if isinstance(event, ResponseEnded)]
    assert ended.mode is EndMode.FROM_NOW and set(ended.lines) == set(directed(started))
    again = file.when(end(book, "e2")).events
    assert set(directed(again).values()) == {"help"}


def test_a_list_of_a_third_party_is_not_counted_as_a_further_list() -> None:
    book = book_of(punishment("more", on_black(distinct_domains=2)))
    reference = black_entry("e2", "B", origin=Origin.THIRD_PARTY)
    file = EMPTY.having(record(book, black_entry("e1", "A")), record(book, reference))
    assert not file.state.lines


def test_a_change_of_an_unknown_entry_is_refused() -> None:
    EMPTY.when(end(book_of())).then_rejected("entry_not_in_file")


def test_a_second_publication_of_one_entry_is_refused() -> None:
    book = book_of()
    EMPTY.having(record(book, black_entry())).when(record(book, black_entry())).then_rejected("entry_published_twice")


MEASURES = (
    punishment("m1", on_black(), implementers=(COURT, FINANCE)),
    punishment("m2", on_black(distinct_domains=2), implementers=(BANK,)),
    punishment("m3", on_black(grades=("serious",))),
    punishment("hidden", on_black(), published=False),
    punishment("old", on_black(), basis=(BASIS.model_copy(update={"valid_to": date(2019, 1, 1)}),)),
)
BOOK = book_of(*MEASURES)
LATER = and_then(
    BOOK,
    punishment("m1", on_black(), version=2, implementers=(COURT,), effective_from=date(2024, 1, 1)),
    punishment("m3", on_black(), version=2, published=False, effective_from=date(2024, 1, 1)),
    punishment("harsh", on_black()),
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
            return record(BOOK, black_entry(entry_id, domain, grade=grade))
        case "correct":
            return correct(BOOK, black_entry(entry_id, domain, grade=grade))
        case "suspend":
            return Suspend(trigger(BOOK), entry_id, "异议核实")
        case "resume":
            return Resume(trigger(BOOK), entry_id, "异议不成立")
        case "expire":
            return end(BOOK, entry_id)
        case "law":
            return ResolveAgain(LATER)
        case _:
            return end(BOOK, entry_id, EndMode.FROM_BEGINNING)


@for_all(STEPS)
@settings(max_examples=200, deadline=None)
def test_after_any_commands_only_resolved_lines_are_active_and_every_line_ends_with_its_entry(
    steps: list[tuple[str, str, str]],
) -> None:
    given_file = EMPTY
    history: list[Event] = []
    for step in steps:
        outcome = given_file.when(command_of(step))
        if outcome.rejected is None:
            given_file = outcome.next
            history += outcome.events
    file = given_file.state
    for line in file.lines.values():
        held = file.entries[line.entry_id]
        assert held.active or line.ended is not None
        assert line.measure_id not in {"hidden", "old", "harsh"}
        assert line.ended or line.suspended == held.suspended
    ordered = [line for event in history if isinstance(event, ResponseDirected) for line in event.lines]
    assert len(ordered) == len({line.line_id for line in ordered}), "no line is directed twice"
    revoked = {e.entry_id for e in history if isinstance(e, EntryEndedInFile) and e.mode is EndMode.FROM_BEGINNING}
    assert all(line.ended is EndMode.FROM_BEGINNING for line in file.lines.values() if line.entry_id in revoked)
    assert given(SUBJECT_FILE, *history).state == file, "the file is the fold of its events"
    assert all(isinstance(event, EntryRecorded) or event.TYPE for event in history)
