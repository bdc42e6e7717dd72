"""What follows from an entry by the law of its day, and what of a later law reaches it."""

from collections.abc import Sequence
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.domain.clean_record import incentives, last_bad_record
from services.registry.domain.file import EntryInFile, SubjectFile
from services.registry.domain.law import Law, law_days, law_on
from services.registry.domain.resolution import ALONE, Beside, Resolution, resolve
from shared.contracts.directory import Category, CategoryId
from shared.contracts.event import DepartmentId, DomainId, EntryId, InstrumentId, SubjectKey
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
from shared.contracts.listing import Decision, Entry, Origin, Subject
from shared.contracts.policy import Policy
from shared.contracts.response import EndMode, RefusalReason
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, publications
from tests.policies import a_policy

CITY, COUNTY, STATE = "410300", "410302", "000000"
COURT, FINANCE, MINISTRY = DepartmentId("court"), DepartmentId("finance"), DepartmentId("ministry")
DECIDED, TODAY = date(2020, 1, 2), date(2026, 5, 6)
BASIS = Basis(document="示例法", article="第一条", valid_from=date(2017, 1, 1))


def a_measure(measure_id: str = "m", version: int = 1, **changed: Any) -> Measure:
    target: dict[str, Any] = {"lists": tuple(ListKind), **changed.pop("target", {})}
    standard: dict[str, Any] = {
        "text_zh": f"示例措施{measure_id}",
        "clause": "示例条款",
        "kind": MeasureKind.DISCIPLINE,
        "constraint": Constraint.ADMINISTRATIVE,
        "force": Force.MANDATORY,
        "duty": Duty.OWED,
        "works": Works.LASTING,
        "implementers": (COURT,),
        "basis": (BASIS,),
        "instrument_id": InstrumentId("memo"),
        "on_end": Undoing.STOP,
        "on_error": Undoing.RESTORE,
        "published": True,
        "effective_from": date(2017, 1, 1),
    }
    return Measure.model_validate(
        {**standard, **changed, "measure_id": measure_id, "version": version, "target": Target(**target)}
    )


def an_incentive(measure_id: str = "help", version: int = 1, **changed: Any) -> Measure:
    return a_measure(measure_id, version, kind=MeasureKind.INCENTIVE, **changed)


def a_memo(version: int = 1, **changed: Any) -> Instrument:
    standard: dict[str, Any] = {
        "instrument_id": "memo",
        "kind": "memorandum",
        "title_zh": "示例合作备忘录",
        "document_number": "示例〔2017〕1号",
        "issued_by": "示例",
        "region": CITY,
        "in_force_from": date(2017, 1, 1),
    }
    return Instrument.model_validate({**standard, "version": version, **changed})


def a_department(department_id: DepartmentId, region: str = CITY, *categories: str) -> Department:
    return Department.model_validate(
        {
            "department_id": department_id,
            "name_zh": department_id,
            "name_en": department_id,
            "region": region,
            "categories": categories,
        }
    )


FOUNDED: tuple[Item, ...] = (
    a_department(COURT),
    a_department(FINANCE),
    a_department(MINISTRY, STATE),
    *(Domain(domain_id=DomainId(d), name_zh=d, name_en=d, lists=tuple(ListKind), may_list=(COURT,)) for d in "AB"),
    a_memo(),
)


def a_book(*items: Item) -> LawBook:
    return LawBook.empty().with_changes(publications((*FOUNDED, *items), 0))


def and_then(book: LawBook, *items: Item) -> LawBook:
    """The book after what was published later."""
    return book.with_changes(publications(items, book.version))


def an_entry(**changed: Any) -> Entry:
    standard: dict[str, Any] = {
        "entry_id": EntryId("e1"),
        "list_kind": ListKind.BLACK,
        "domain_id": DomainId("A"),
        "subject": Subject(key=SubjectKey("uscc:示例"), kind=SubjectKind.LEGAL, name="示例第一商贸有限公司"),
        "initiated_by": COURT,
        "published_by": COURT,
        "decision": Decision(
            document_number="示例〔2020〕1号",
            decided_by=COURT,
            decided_on=changed.pop("decided_on", DECIDED),
            facts="示例",
            legal_basis="示例法第一条",
        ),
        "jurisdiction": CITY,
        "term_from": DECIDED,
        "public": True,
    }
    return Entry.model_validate({**standard, **changed})


def follows(
    book: LawBook,
    entry: Entry | None = None,
    *,
    today: date = TODAY,
    since: int | None = None,
    roles: tuple[Role, ...] = (),
    beside: Beside = ALONE,
) -> Resolution:
    found = book.version if since is None else since
    return resolve(entry or an_entry(), roles, beside, law_on(book, today), found)


def who(resolution: Resolution) -> dict[str, list[str]]:
    """Measure → departments."""
    found: dict[str, list[str]] = {}
    for directive in resolution.directives:
        found.setdefault(directive.measure.measure_id, []).append(directive.department)
    return found


def why_not(resolution: Resolution) -> dict[str, RefusalReason]:
    return {refusal.measure.measure_id: refusal.reason for refusal in resolution.refusals}


# --- 从旧兼从轻 ------------------------------------------------------------------------------------------------------


def test_a_measure_published_later_does_not_reach_back_whatever_date_it_bears() -> None:
    before = a_book(a_measure("old"))
    after = and_then(before, a_measure("new", effective_from=date(2017, 1, 1)))
    assert set(who(follows(after, since=before.version))) == {"old"}
    assert set(who(follows(after))) == {"old", "new"}, "who is listed by the new book gets both"


def test_a_harsher_back_dated_edition_does_not_reach_back() -> None:
    mild = a_measure(target={"grades": ("serious",)})
    before = a_book(mild)
    after = and_then(before, a_measure(version=2, effective_from=date(2017, 1, 2)))
    entry = an_entry(grade="minor")
    assert who(follows(after, entry, since=before.version)) == {}
    stricter = and_then(a_book(a_measure(force=Force.RECOMMENDED)), a_measure(version=2))
    [directive] = follows(stricter, since=stricter.version - 1).directives
    assert (directive.measure.version, directive.line.force) == (1, Force.RECOMMENDED)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (a_measure(version=2, published=False, effective_from=date(2024, 1, 1)), RefusalReason.UNPUBLISHED),
        (a_measure(version=2, effective_to=date(2025, 1, 1)), RefusalReason.RETIRED),
        (a_memo(2, in_force_to=date(2025, 1, 1)), RefusalReason.INSTRUMENT_NOT_IN_FORCE),
        (
            a_measure(version=2, basis=(BASIS.model_copy(update={"valid_to": date(2025, 1, 1)}),)),
            RefusalReason.BASIS_NOT_VALID,
        ),
        (
            a_measure(version=2, effective_from=date(2024, 1, 1), target={"grades": ("serious",)}),
            RefusalReason.NO_LONGER_FOLLOWS,
        ),
    ],
)
def test_what_a_later_law_takes_away_ends_also_for_earlier_decisions(later: Item, reason: RefusalReason) -> None:
    before = a_book(a_measure())
    after = and_then(before, later)
    found = follows(after, since=before.version)
    assert who(found) == {}
    assert why_not(found) == {"m": reason}


def test_a_milder_edition_reaches_back_and_says_from_which_day() -> None:
    before = a_book(a_measure())
    milder = a_measure(version=2, force=Force.RECOMMENDED, effective_from=date(2024, 1, 1))
    [directive] = follows(and_then(before, milder), since=before.version).directives
    assert (directive.line.measure_version, directive.line.force) == (2, Force.RECOMMENDED)
    assert directive.milder_on == date(2024, 1, 1)


def test_an_edition_of_another_text_does_not_reach_back() -> None:
    before = a_book(a_measure())
    other = a_measure(version=2, force=Force.RECOMMENDED, text_zh="别的措施", effective_from=date(2024, 1, 1))
    [directive] = follows(and_then(before, other), since=before.version).directives
    assert directive.line.measure_version == 1
    assert directive.milder_on is None


def test_a_milder_edition_that_has_not_begun_waits_for_its_day() -> None:
    before = a_book(a_measure())
    after = and_then(before, a_measure(version=2, force=Force.RECOMMENDED, effective_from=date(2026, 6, 1)))
    [today] = follows(after, since=before.version).directives
    [later] = follows(after, since=before.version, today=date(2026, 6, 1)).directives
    assert (today.measure.version, later.measure.version) == (1, 2)
    assert date(2026, 6, 1) in law_days(after)


def test_another_department_carries_it_out_when_the_law_says_so() -> None:
    before = a_book(a_measure())
    after = and_then(before, a_measure(version=2, implementers=(FINANCE,), effective_from=date(2024, 1, 1)))
    found = follows(after, since=before.version)
    assert who(found) == {"m": [FINANCE]}
    assert [d.measure.version for d in found.directives] == [1]


def test_what_was_granted_stays_granted() -> None:
    before = a_book(an_incentive())
    after = and_then(before, an_incentive(version=2, published=False, effective_from=date(2024, 1, 1)))
    red = an_entry(list_kind=ListKind.RED)
    assert set(who(follows(after, red, since=before.version))) == {"help"}


def test_a_law_is_the_same_between_two_days_on_which_something_begins_or_ends() -> None:
    book = a_book(a_measure(effective_to=date(2024, 6, 30)))
    assert law_on(book, date(2024, 7, 1)).key == law_on(book, date(2026, 1, 1)).key == (book.version, date(2024, 7, 1))
    assert law_on(book, date(2024, 6, 30)).key == (book.version, date(2017, 1, 1))


# --- what the policy of the jurisdiction says ------------------------------------------------------------------------


def test_stronger_measures_need_a_document_that_provides_them() -> None:
    more = a_measure("more", target={"distinct_domains": 2})
    two = Beside(domains_listed=2)
    silent = a_book(more, a_policy(clean_record_years=3))
    assert why_not(follows(silent, beside=two)) == {"more": RefusalReason.NOT_IN_POLICY}
    [directive] = follows(a_book(more, a_policy(escalate_from_domains=2)), beside=two).directives
    assert directive.line.domains_listed == 2
    assert who(follows(a_book(more, a_policy(escalate_from_domains=3)), beside=two)) == {}
    assert who(follows(a_book(more, a_policy(escalate_from_domains=2)))) == {}


def test_persons_are_reached_where_the_policy_says_so() -> None:
    ban = a_measure("ban", target={"roles": (Role.DIRECTOR,)})
    for reached, expected in ((True, {"ban": [COURT]}), (False, {})):
        found = follows(a_book(ban, a_policy(reach_responsible_persons=reached)), roles=(Role.DIRECTOR,))
        assert who(found) == expected
        assert [d.line.as_roles for d in found.directives] == [(Role.DIRECTOR,)] * len(expected)


def test_consumption_limits_reach_the_able_but_unwilling_or_every_black_entry_as_the_policy_says() -> None:
    limit = a_measure("limit", matters=("high-consumption",))
    only = a_book(limit, a_policy(able_but_unwilling_matters=("high-consumption",)))
    every = a_book(limit, a_policy(able_but_unwilling_matters=()))
    assert who(follows(only)) == {}
    assert who(follows(only, an_entry(able_but_unwilling=True))) == {"limit": [COURT]}
    assert who(follows(every)) == {"limit": [COURT]}


def test_what_a_place_passes_up_is_left_to_those_above_it() -> None:
    national = a_memo(instrument_id="national", region=STATE)
    passes_up = a_policy(passed_up_matters=("flights-and-trains",))

    def flights(*implementers: DepartmentId, instrument: str = "national") -> Measure:
        matters = ("flights-and-trains",)
        return a_measure("flights", matters=matters, implementers=implementers, instrument_id=instrument)

    assert who(follows(a_book(national, flights(COURT, MINISTRY), passes_up))) == {"flights": [MINISTRY]}
    only_here = a_book(national, flights(COURT), passes_up)
    assert why_not(follows(only_here)) == {"flights": RefusalReason.PASSED_UP}
    asking = a_book(flights(COURT, instrument="memo"), passes_up)
    assert who(follows(asking)) == {"flights": [COURT]}, "its own document says to ask, and that is done here"


def test_incentives_rest_while_the_subject_stands_on_a_list_to_which_they_yield() -> None:
    book = a_book(an_incentive(), a_policy(red_yields_to=("watch",)))
    red = an_entry(list_kind=ListKind.RED)
    on_watch, on_black = (Beside(also_on=frozenset({kind})) for kind in (ListKind.WATCH, ListKind.BLACK))
    assert why_not(follows(book, red, beside=on_watch)) == {"help": RefusalReason.OUTWEIGHED}
    assert set(who(follows(book, red, beside=on_black))) == {"help"}
    assert set(who(follows(book, red))) == {"help"}


def test_a_list_of_a_third_party_directs_nothing() -> None:
    found = follows(a_book(a_measure()), an_entry(origin=Origin.THIRD_PARTY))
    assert who(found) == {}
    assert why_not(found) == {"m": RefusalReason.THIRD_PARTY_LIST}


def test_nothing_publishes_a_watch_entry() -> None:
    book = a_book(a_measure("tell", constraint=Constraint.PUBLICITY), a_measure("inspect"))
    found = follows(book, an_entry(list_kind=ListKind.WATCH, public=False))
    assert set(who(found)) == {"inspect"}
    assert why_not(found) == {"tell": RefusalReason.WATCH_NOT_PUBLIC}


def test_a_later_policy_reaches_back_only_where_it_is_milder() -> None:
    more = a_measure("more", target={"distinct_domains": 2})
    two = Beside(domains_listed=2)
    strict, silent = a_policy(escalate_from_domains=2), a_policy(version=2, effective_from=date(2024, 1, 1))
    before = a_book(more, strict)
    assert who(follows(before, beside=two)) == {"more": [COURT]}
    after = and_then(before, silent.model_copy(update={"substance": a_policy(clean_record_years=3).substance}))
    assert why_not(follows(after, beside=two, since=before.version)) == {"more": RefusalReason.NOT_IN_POLICY}
    mild = a_book(more, a_policy(clean_record_years=3))
    harsher = and_then(mild, a_policy(version=2, effective_from=date(2017, 10, 25), escalate_from_domains=2))
    assert who(follows(harsher, beside=two, since=mild.version)) == {}


def test_a_decision_names_the_policies_that_had_a_say() -> None:
    book = a_book(
        a_measure(), a_policy("state", region=STATE, clean_record_years=3), a_policy("city", issue_limits=True)
    )
    assert sorted((p.policy_id, p.version) for p in follows(book).policies) == [("city", 1), ("state", 1)]


def test_an_instrument_of_another_region_says_nothing_and_one_from_above_does() -> None:
    assert follows(a_book(a_measure()), an_entry(jurisdiction="320681")) == Resolution((), (), ())
    assert set(who(follows(a_book(a_measure()), an_entry(jurisdiction=COUNTY)))) == {"m"}


def test_an_implementer_by_kind_is_told_as_one() -> None:
    kind = CategoryId("industry-regulators")
    book = a_book(
        Category(category_id=kind, name_zh="各行业主管部门", name_en="Regulators"),
        a_department(DepartmentId("transport"), CITY, kind),
        a_department(DepartmentId("elsewhere"), "320681", kind),
        a_measure(implementers=(COURT,), implementer_categories=(kind,)),
    )
    found = {d.department: d.line.implementer_category for d in follows(book).directives}
    assert found == {COURT: None, "transport": kind}


# --- without an entry ------------------------------------------------------------------------------------------------


def test_whoever_is_clean_for_long_enough_has_the_incentives_without_any_entry() -> None:
    book = a_book(an_incentive(target={"clean_record_years": 3}), an_incentive("listed"))

    def has(last_bad: date | None) -> list[str]:
        return [one.measure.measure_id for one in incentives(book, COUNTY, TODAY, last_bad)]

    assert has(None) == has(date(2023, 5, 5)) == ["help"]
    assert has(date(2023, 5, 6)) == has(date(2030, 1, 1)) == []
    assert incentives(book, "320681", TODAY, None) == ()


def test_a_bad_record_counts_until_it_ended_and_one_that_was_wrong_never_was() -> None:
    def file(**held: Any) -> SubjectFile:
        entry = held.pop("entry", an_entry(term_from=DECIDED))
        return SubjectFile(entries={entry.entry_id: EntryInFile(entry, (), **held)})

    assert last_bad_record(file(), TODAY) == TODAY
    assert last_bad_record(file(entry=an_entry(term_to=date(2022, 1, 1))), TODAY) == date(2022, 1, 1)
    assert last_bad_record(file(ended=EndMode.FROM_NOW, ended_on=date(2021, 5, 6)), TODAY) == date(2021, 5, 5)
    assert last_bad_record(file(ended=EndMode.FROM_BEGINNING, ended_on=date(2021, 5, 6)), TODAY) is None
    assert last_bad_record(file(entry=an_entry(list_kind=ListKind.RED)), TODAY) is None
    assert last_bad_record(file(entry=an_entry(origin=Origin.THIRD_PARTY)), TODAY) is None
    assert last_bad_record(file(entry=an_entry(term_from=date(2027, 1, 1))), TODAY) is None
    assert last_bad_record(SubjectFile(), TODAY) is None


# --- whatever the book ------------------------------------------------------------------------------------------------

DAYS = st.sampled_from([date(year, 1, 1) for year in (2016, 2018, 2020, 2022, 2024, 2026)])


@st.composite
def measures(draw: st.DrawFn, number: int) -> list[Measure]:
    """One measure in one to three editions, whatever they say."""
    return [
        a_measure(
            f"m{number}",
            version,
            kind=draw(st.sampled_from(MeasureKind)),
            constraint=draw(st.sampled_from([Constraint.ADMINISTRATIVE, Constraint.PUBLICITY])),
            force=draw(st.sampled_from(Force)),
            published=draw(st.booleans()),
            effective_from=draw(DAYS),
            effective_to=draw(st.none() | DAYS),
            basis=(BASIS.model_copy(update={"valid_from": draw(DAYS), "valid_to": draw(st.none() | DAYS)}),),
            implementers=draw(st.sampled_from([(COURT,), (COURT, FINANCE), ()])),
            target={
                "grades": draw(st.sampled_from([(), ("serious",)])),
                "distinct_domains": draw(st.sampled_from([1, 1, 2])),
                "able_but_unwilling": draw(st.booleans()),
            },
        )
        for version in range(1, draw(st.integers(1, 3)) + 1)
    ]


@st.composite
def laws(draw: st.DrawFn) -> tuple[LawBook, int]:
    """A book, and the version of it at which the entry was recorded."""
    editions = [edition for number in range(3) for edition in draw(measures(number))]
    policies = draw(st.lists(st.sampled_from(POLICIES), max_size=2, unique_by=lambda p: p.policy_id))
    book = a_book(*draw(st.permutations(policies)), *editions)
    return book, draw(st.integers(book.version - len(editions), book.version))


POLICIES: Sequence[Policy] = (
    a_policy("p1", escalate_from_domains=2),
    a_policy("p2", red_yields_to=("black",), reach_responsible_persons=False),
    a_policy("p3", effective_from=date(2022, 1, 1), clean_record_years=3),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    return an_entry(
        list_kind=draw(st.sampled_from(ListKind)),
        grade=draw(st.sampled_from(["serious", "minor"])),
        able_but_unwilling=draw(st.booleans()),
        decided_on=draw(DAYS),
        origin=draw(st.sampled_from(Origin)),
    )


BESIDE = st.builds(Beside, st.integers(1, 3), st.frozensets(st.sampled_from(ListKind)))


@given(laws(), entries(), st.sampled_from([(), (Role.DIRECTOR,)]), BESIDE, DAYS)
@settings(max_examples=300, deadline=None)
def test_whatever_the_law_nothing_is_directed_without_a_published_measure_and_a_basis_of_its_day(
    law: tuple[LawBook, int], entry: Entry, roles: tuple[Role, ...], beside: Beside, today: date
) -> None:
    book, since = law
    found = resolve(entry, roles, beside, law_on(book, today), since)
    decided_on = entry.decision.decided_on
    for directive in found.directives:
        measure = directive.measure
        day = directive.milder_on or decided_on
        assert measure.published, "never an unpublished measure"
        assert any(basis.holds_on(day) for basis in measure.basis), "never a basis out of date"
        assert not (entry.list_kind is ListKind.WATCH and measure.constraint is Constraint.PUBLICITY)
        assert entry.origin is not Origin.THIRD_PARTY
        if measure.kind is MeasureKind.DISCIPLINE:
            by_then = resolve(entry, roles, beside, Law(book.as_of(since), date.min), since)
            assert measure.measure_id in who(by_then), "a later law adds no punishment"
    assert len({(d.department, d.measure.measure_id) for d in found.directives}) == len(found.directives)
    fresh = LawBook.empty().with_changes(book._history)  # pyright: ignore[reportPrivateUsage]
    assert resolve(entry, roles, beside, law_on(fresh, today), since) == found, "the same law, the same answer"


@given(laws(), entries(), BESIDE)
@settings(max_examples=150, deadline=None)
def test_whatever_is_published_later_a_decision_only_becomes_milder(
    law: tuple[LawBook, int], entry: Entry, beside: Beside
) -> None:
    book, since = law
    number = count()
    then = None
    for version in range(since, book.version + 1):
        now = resolve(entry, (), beside, law_on(book.as_of(version), TODAY), since)
        punished = {d.measure.measure_id for d in now.directives if d.measure.kind is MeasureKind.DISCIPLINE}
        granted = {d.measure.measure_id for d in now.directives if d.measure.kind is MeasureKind.INCENTIVE}
        if next(number) == 0:
            then = punished, granted
        assert then is not None
        by_then = who(resolve(entry, (), beside, Law(book.as_of(since), date.min), since))
        assert punished <= set(by_then)
        assert granted == then[1]
