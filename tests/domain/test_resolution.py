"""What follows from an entry by the law of its day, and what of a later law reaches it."""

from collections.abc import Sequence
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.registry.domain.clean_record import incentives, last_bad_record
from services.registry.domain.file import EntryInFile, SubjectFile
from services.registry.domain.law import Law, law_days, law_on
from services.registry.domain.resolution import ALONE, FileContext, Resolution
from services.registry.domain.resolver import resolve
from shared.contracts.directory import Category, CategoryId
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Force,
    Instrument,
    ListKind,
    Measure,
    MeasureKind,
    Role,
    SubjectKind,
    Target,
    Works,
)
from shared.contracts.listing import Entry, Origin, Subject
from shared.contracts.policy import Policy
from shared.contracts.response import EndMode, RefusalReason
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, publications
from tests.builders import a_book, a_decision, a_department, a_domain, a_measure, a_subject, an_entry, an_instrument
from tests.policies import a_policy

CITY, COUNTY, STATE = "410300", "410302", "000000"
COURT, FINANCE, MINISTRY = DepartmentId("court"), DepartmentId("finance"), DepartmentId("ministry")
DECIDED, TODAY = date(2020, 1, 2), date(2026, 5, 6)
BASIS = Basis(document="示例法", article="第一条", valid_from=date(2017, 1, 1))


def punishment(measure_id: str = "m", version: int = 1, **changes: Any) -> Measure:
    """A lasting punishment by the instrument `memo`, for every list, carried out by the court, since 2017."""
    standard: dict[str, Any] = {
        "works": Works.LASTING,
        "implementers": (COURT,),
        "basis": (BASIS,),
        "effective_from": date(2017, 1, 1),
        "target": Target.model_validate({"lists": tuple(ListKind), **changes.pop("target", {})}),
    }
    return a_measure(measure_id, version, **{**standard, **changes})


def incentive(measure_id: str = "help", version: int = 1, **changes: Any) -> Measure:
    return punishment(measure_id, version, kind=MeasureKind.INCENTIVE, **changes)


def memo(version: int = 1, **changes: Any) -> Instrument:
    standard: dict[str, Any] = {"version": version, "region": CITY, "in_force_from": date(2017, 1, 1)}
    return an_instrument(**{**standard, **changes})


FOUNDED: tuple[Item, ...] = (
    a_department(COURT),
    a_department(FINANCE),
    a_department(MINISTRY, region=STATE),
    *(a_domain(name, may_list=(COURT,)) for name in "AB"),
    memo(),
)


def book_of(*items: Item) -> LawBook:
    """Three departments, the domains A and B, the instrument `memo` of Luoyang, and these items."""
    return a_book([*FOUNDED, *items])


def and_then(book: LawBook, *items: Item) -> LawBook:
    """The book after what was published later."""
    return book.with_changes(publications(items, book.version))


def black_entry(**changes: Any) -> Entry:
    """Decided by the court on `decided_on`, without an end."""
    decision = a_decision(decided_by=COURT, decided_on=changes.pop("decided_on", DECIDED))
    standard: dict[str, Any] = {"domain_id": "A", "initiated_by": COURT, "term_from": DECIDED, "term_to": None}
    return an_entry("e1", **{**standard, "decision": decision, **changes})


def follows(
    book: LawBook,
    entry: Entry | None = None,
    *,
    today: date = TODAY,
    since: int | None = None,
    roles: tuple[Role, ...] = (),
    context: FileContext = ALONE,
) -> Resolution:
    """`since`: the version of the book that validated the entry; this one unless given."""
    validated_by = book.version if since is None else since
    return resolve(entry or black_entry(), roles, context, law_on(book, today), validated_by)


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
    before = book_of(punishment("old"))
    after = and_then(before, punishment("new", effective_from=date(2017, 1, 1)))
    assert set(who(follows(after, since=before.version))) == {"old"}
    assert set(who(follows(after))) == {"old", "new"}, "who is listed by the new book gets both"


def test_a_harsher_back_dated_edition_does_not_reach_back() -> None:
    mild = punishment(target={"grades": ("serious",)})
    before = book_of(mild)
    after = and_then(before, punishment(version=2, effective_from=date(2017, 1, 2)))
    entry = black_entry(grade="minor")
    assert who(follows(after, entry, since=before.version)) == {}
    stricter = and_then(book_of(punishment(force=Force.RECOMMENDED)), punishment(version=2))
    [directive] = follows(stricter, since=stricter.version - 1).directives
    assert (directive.measure.version, directive.line.force) == (1, Force.RECOMMENDED)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (punishment(version=2, published=False, effective_from=date(2024, 1, 1)), RefusalReason.UNPUBLISHED),
        (punishment(version=2, effective_to=date(2025, 1, 1)), RefusalReason.RETIRED),
        (memo(2, in_force_to=date(2025, 1, 1)), RefusalReason.INSTRUMENT_NOT_IN_FORCE),
        (
            punishment(version=2, basis=(BASIS.model_copy(update={"valid_to": date(2025, 1, 1)}),)),
            RefusalReason.BASIS_NOT_VALID,
        ),
        (
            punishment(version=2, effective_from=date(2024, 1, 1), target={"grades": ("serious",)}),
            RefusalReason.NO_LONGER_FOLLOWS,
        ),
    ],
)
def test_what_a_later_law_takes_away_ends_also_for_earlier_decisions(later: Item, reason: RefusalReason) -> None:
    before = book_of(punishment())
    after = and_then(before, later)
    found = follows(after, since=before.version)
    assert who(found) == {}
    assert why_not(found) == {"m": reason}


def test_a_milder_edition_reaches_back_and_says_from_which_day() -> None:
    before = book_of(punishment())
    milder = punishment(version=2, force=Force.RECOMMENDED, effective_from=date(2024, 1, 1))
    [directive] = follows(and_then(before, milder), since=before.version).directives
    assert (directive.line.measure_version, directive.line.force) == (2, Force.RECOMMENDED)
    assert directive.milder_on == date(2024, 1, 1)


def test_an_edition_of_another_text_does_not_reach_back() -> None:
    before = book_of(punishment())
    other = punishment(version=2, force=Force.RECOMMENDED, text_zh="别的措施", effective_from=date(2024, 1, 1))
    [directive] = follows(and_then(before, other), since=before.version).directives
    assert directive.line.measure_version == 1
    assert directive.milder_on is None


def test_a_milder_edition_that_has_not_begun_waits_for_its_day() -> None:
    before = book_of(punishment())
    after = and_then(before, punishment(version=2, force=Force.RECOMMENDED, effective_from=date(2026, 6, 1)))
    [today] = follows(after, since=before.version).directives
    [later] = follows(after, since=before.version, today=date(2026, 6, 1)).directives
    assert (today.measure.version, later.measure.version) == (1, 2)
    assert date(2026, 6, 1) in law_days(after)


def test_another_department_carries_it_out_when_the_law_says_so() -> None:
    before = book_of(punishment())
    after = and_then(before, punishment(version=2, implementers=(FINANCE,), effective_from=date(2024, 1, 1)))
    found = follows(after, since=before.version)
    assert who(found) == {"m": [FINANCE]}
    assert [d.measure.version for d in found.directives] == [1]


def test_what_was_granted_stays_granted() -> None:
    before = book_of(incentive())
    after = and_then(before, incentive(version=2, published=False, effective_from=date(2024, 1, 1)))
    red = black_entry(list_kind=ListKind.RED)
    assert set(who(follows(after, red, since=before.version))) == {"help"}


def test_a_law_is_the_same_between_two_days_on_which_something_begins_or_ends() -> None:
    book = book_of(punishment(effective_to=date(2024, 6, 30)))
    assert law_on(book, date(2024, 7, 1)).key == law_on(book, date(2026, 1, 1)).key == (book.version, date(2024, 7, 1))
    assert law_on(book, date(2024, 6, 30)).key == (book.version, date(2017, 1, 1))


# --- settings of the policy of the jurisdiction ------------------------------------------------------------------------


def test_stronger_measures_need_a_document_that_provides_them() -> None:
    more = punishment("more", target={"distinct_domains": 2})
    two = FileContext(domains_listed=2)
    silent = book_of(more, a_policy(clean_record_years=3))
    assert why_not(follows(silent, context=two)) == {"more": RefusalReason.NOT_IN_POLICY}
    [directive] = follows(book_of(more, a_policy(escalate_from_domains=2)), context=two).directives
    assert directive.line.domains_listed == 2
    assert who(follows(book_of(more, a_policy(escalate_from_domains=3)), context=two)) == {}
    assert who(follows(book_of(more, a_policy(escalate_from_domains=2)))) == {}


ENTERPRISE, COOPERATIVE, ASSOCIATION = (
    a_subject(f"uscc:{code}", name="示例")
    for code in ("91410300MA40000011", "93410300MA40000012", "51410300MA40000013")
)
PERSON = a_subject("person:ab12", kind=SubjectKind.PERSON, name="示＊")
VESSEL = a_subject("vessel:示例1", kind=SubjectKind.OTHER)


@pytest.mark.parametrize(
    ("subject", "roles", "alone", "with_cooperatives"),
    [
        (ENTERPRISE, (), True, True),
        (COOPERATIVE, (), False, True),
        (ASSOCIATION, (), False, False),
        (PERSON, (), False, False),
        (VESSEL, (), False, False),
        (ENTERPRISE, (Role.DIRECTOR,), False, False),
    ],
)
def test_stronger_measures_reach_enterprises_and_where_the_policy_says_so_cooperatives(
    subject: Subject, roles: tuple[Role, ...], alone: bool, with_cooperatives: bool
) -> None:
    """严重失信企业 (000 五(六), 002 六(五)): no other organisation, and no person in whatever capacity."""
    more = punishment("more", target={"distinct_domains": 2, "roles": (Role.DIRECTOR,)})
    for cooperatives, expected in ((False, alone), (True, with_cooperatives)):
        book = book_of(more, a_policy(escalate_from_domains=2, escalate_cooperatives=cooperatives))
        found = follows(book, black_entry(subject=subject), roles=roles, context=FileContext(domains_listed=2))
        assert who(found) == ({"more": [COURT]} if expected else {})


@pytest.mark.parametrize(
    ("kinds", "subject", "reached"),
    [
        ((SubjectKind.LEGAL,), ENTERPRISE, True),
        ((SubjectKind.LEGAL,), VESSEL, False),
        ((SubjectKind.LEGAL,), PERSON, False),
        ((SubjectKind.PERSON,), ENTERPRISE, True),
        ((), VESSEL, True),
    ],
)
def test_a_role_reaches_a_person_only_if_the_person_or_the_listed_subject_is_of_a_kind_of_the_measure(
    kinds: tuple[SubjectKind, ...], subject: Subject, reached: bool
) -> None:
    book = book_of(punishment("ban", target={"subject_kinds": kinds, "roles": (Role.DIRECTOR,)}))
    found = follows(book, black_entry(subject=subject), roles=(Role.DIRECTOR,))
    assert who(found) == ({"ban": [COURT]} if reached else {})


def test_persons_are_reached_where_the_policy_says_so() -> None:
    ban = punishment("ban", target={"roles": (Role.DIRECTOR,)})
    for reached, expected in ((True, {"ban": [COURT]}), (False, {})):
        found = follows(book_of(ban, a_policy(reach_responsible_persons=reached)), roles=(Role.DIRECTOR,))
        assert who(found) == expected
        assert [d.line.as_roles for d in found.directives] == [(Role.DIRECTOR,)] * len(expected)


def test_consumption_limits_reach_the_able_but_unwilling_or_every_black_entry_as_the_policy_says() -> None:
    limit = punishment("limit", matters=("high-consumption",))
    only = book_of(limit, a_policy(able_but_unwilling_matters=("high-consumption",)))
    every = book_of(limit, a_policy(able_but_unwilling_matters=()))
    assert who(follows(only)) == {}
    assert who(follows(only, black_entry(able_but_unwilling=True))) == {"limit": [COURT]}
    assert who(follows(every)) == {"limit": [COURT]}


@pytest.mark.parametrize(
    ("matter", "given", "withheld"),
    [
        ("loan-rates", a_policy(higher_loan_rates=True), a_policy(higher_loan_rates=False)),
        ("share-and-bond-issue", a_policy(issue_limits=True), a_policy(issue_limits=False)),
    ],
)
def test_measures_that_only_some_documents_have_need_a_policy_that_provides_them(
    matter: str, given: Policy, withheld: Policy
) -> None:
    measure = punishment("some", matters=(matter,))
    assert who(follows(book_of(measure, given))) == {"some": [COURT]}
    for policy in (withheld, a_policy(red_yields_to=("black",))):
        assert why_not(follows(book_of(measure, policy))) == {"some": RefusalReason.NOT_IN_POLICY}


def test_matters_that_a_region_passes_up_are_for_the_bodies_above_it() -> None:
    national = memo(instrument_id="national", region=STATE)
    passes_up = a_policy(passed_up_matters=("flights-and-trains",))

    def flights(*implementers: DepartmentId, instrument: str = "national") -> Measure:
        matters = ("flights-and-trains",)
        return punishment("flights", matters=matters, implementers=implementers, instrument_id=instrument)

    assert who(follows(book_of(national, flights(COURT, MINISTRY), passes_up))) == {"flights": [MINISTRY]}
    only_here = book_of(national, flights(COURT), passes_up)
    assert why_not(follows(only_here)) == {"flights": RefusalReason.PASSED_UP}
    asking = book_of(flights(COURT, instrument="memo"), passes_up)
    assert who(follows(asking)) == {"flights": [COURT]}, "its own document says to ask, and that is done here"


def test_incentives_are_withheld_while_the_subject_is_on_a_list_to_which_they_yield() -> None:
    book = book_of(incentive(), a_policy(red_yields_to=("watch",)))
    red = black_entry(list_kind=ListKind.RED)
    on_watch, on_black = (FileContext(also_on=frozenset({kind})) for kind in (ListKind.WATCH, ListKind.BLACK))
    assert why_not(follows(book, red, context=on_watch)) == {"help": RefusalReason.OUTWEIGHED}
    assert set(who(follows(book, red, context=on_black))) == {"help"}
    assert set(who(follows(book, red))) == {"help"}


def test_a_list_of_a_third_party_directs_nothing() -> None:
    found = follows(book_of(punishment()), black_entry(origin=Origin.THIRD_PARTY))
    assert who(found) == {}
    assert why_not(found) == {"m": RefusalReason.THIRD_PARTY_LIST}


def test_nothing_publishes_a_watch_entry() -> None:
    book = book_of(punishment("tell", constraint=Constraint.PUBLICITY), punishment("inspect"))
    found = follows(book, black_entry(list_kind=ListKind.WATCH, public=False))
    assert set(who(found)) == {"inspect"}
    assert why_not(found) == {"tell": RefusalReason.WATCH_NOT_PUBLIC}


def test_a_later_policy_reaches_back_only_where_it_is_milder() -> None:
    more = punishment("more", target={"distinct_domains": 2})
    two = FileContext(domains_listed=2)
    strict, silent = a_policy(escalate_from_domains=2), a_policy(version=2, effective_from=date(2024, 1, 1))
    before = book_of(more, strict)
    assert who(follows(before, context=two)) == {"more": [COURT]}
    after = and_then(before, silent.model_copy(update={"substance": a_policy(clean_record_years=3).substance}))
    assert why_not(follows(after, context=two, since=before.version)) == {"more": RefusalReason.NOT_IN_POLICY}
    mild = book_of(more, a_policy(clean_record_years=3))
    harsher = and_then(mild, a_policy(version=2, effective_from=date(2017, 10, 25), escalate_from_domains=2))
    assert who(follows(harsher, context=two, since=mild.version)) == {}


def test_a_decision_names_the_policies_that_had_a_say() -> None:
    book = book_of(
        punishment(), a_policy("state", region=STATE, clean_record_years=3), a_policy("city", issue_limits=True)
    )
    assert sorted((p.policy_id, p.version) for p in follows(book).policies) == [("city", 1), ("state", 1)]


def test_an_instrument_of_another_region_does_not_apply_and_one_from_above_does() -> None:
    assert follows(book_of(punishment()), black_entry(jurisdiction="320681")) == Resolution((), (), ())
    assert set(who(follows(book_of(punishment()), black_entry(jurisdiction=COUNTY)))) == {"m"}


def test_an_implementer_by_category_is_marked_with_it() -> None:
    kind = CategoryId("industry-regulators")
    book = book_of(
        Category(category_id=kind, name_zh="各行业主管部门", name_en="Regulators"),
        a_department("transport", categories=(kind,)),
        a_department("elsewhere", region="320681", categories=(kind,)),
        punishment(implementers=(COURT,), implementer_categories=(kind,)),
    )
    found = {d.department: d.line.implementer_category for d in follows(book).directives}
    assert found == {COURT: None, "transport": kind}


# --- without an entry ------------------------------------------------------------------------------------------------


def test_a_subject_with_a_long_clean_record_gets_the_incentives_without_any_entry() -> None:
    book = book_of(incentive(target={"clean_record_years": 3}), incentive("listed"))

    def has(last_bad: date | None) -> list[str]:
        return [one.measure.measure_id for one in incentives(book, COUNTY, TODAY, last_bad)]

    assert has(None) == has(date(2023, 5, 5)) == ["help"]
    assert has(date(2023, 5, 6)) == has(date(2030, 1, 1)) == []
    assert incentives(book, "320681", TODAY, None) == ()


def test_a_clean_record_is_at_least_as_long_as_the_policy_asks() -> None:
    for years, expected in ((2, ["help"]), (4, [])):
        book = book_of(incentive(target={"clean_record_years": 3}), a_policy(clean_record_years=years))
        found = incentives(book, COUNTY, TODAY, date(2023, 5, 5))
        assert [one.measure.measure_id for one in found] == expected


def test_a_bad_record_counts_until_its_end_and_a_wrong_one_never() -> None:
    def file(**held: Any) -> SubjectFile:
        entry = held.pop("entry", black_entry(term_from=DECIDED))
        return SubjectFile(entries={entry.entry_id: EntryInFile(entry, (), **held)})

    assert last_bad_record(file(), TODAY) == TODAY
    assert last_bad_record(file(entry=black_entry(term_to=date(2022, 1, 1))), TODAY) == date(2022, 1, 1)
    assert last_bad_record(file(ended=EndMode.FROM_NOW, ended_on=date(2021, 5, 6)), TODAY) == date(2021, 5, 5)
    assert last_bad_record(file(ended=EndMode.FROM_BEGINNING, ended_on=date(2021, 5, 6)), TODAY) is None
    assert last_bad_record(file(entry=black_entry(list_kind=ListKind.RED)), TODAY) is None
    assert last_bad_record(file(entry=black_entry(origin=Origin.THIRD_PARTY)), TODAY) is None
    assert last_bad_record(file(entry=black_entry(term_from=date(2027, 1, 1))), TODAY) is None
    assert last_bad_record(SubjectFile(), TODAY) is None


# --- any law book ------------------------------------------------------------------------------------------------

DAYS = st.sampled_from([date(year, 1, 1) for year in (2016, 2018, 2020, 2022, 2024, 2026)])


@st.composite
def measures(draw: st.DrawFn, number: int) -> list[Measure]:
    """One measure in one to three editions with any content."""
    return [
        punishment(
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
    book = book_of(*draw(st.permutations(policies)), *editions)
    return book, draw(st.integers(book.version - len(editions), book.version))


POLICIES: Sequence[Policy] = (
    a_policy("p1", escalate_from_domains=2),
    a_policy("p2", red_yields_to=("black",), reach_responsible_persons=False),
    a_policy("p3", effective_from=date(2022, 1, 1), clean_record_years=3),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    return black_entry(
        list_kind=draw(st.sampled_from(ListKind)),
        grade=draw(st.sampled_from(["serious", "minor"])),
        able_but_unwilling=draw(st.booleans()),
        decided_on=draw(DAYS),
        origin=draw(st.sampled_from(Origin)),
    )


BESIDE = st.builds(FileContext, st.integers(1, 3), st.frozensets(st.sampled_from(ListKind)))


@for_all(laws(), entries(), st.sampled_from([(), (Role.DIRECTOR,)]), BESIDE, DAYS)
@settings(max_examples=300, deadline=None)
def test_under_any_law_no_line_is_directed_without_a_published_measure_and_a_basis_in_force(
    law: tuple[LawBook, int], entry: Entry, roles: tuple[Role, ...], context: FileContext, today: date
) -> None:
    book, since = law
    found = resolve(entry, roles, context, law_on(book, today), since)
    decided_on = entry.decision.decided_on
    for directive in found.directives:
        measure = directive.measure
        day = directive.milder_on or decided_on
        assert measure.published, "never an unpublished measure"
        assert any(basis.holds_on(day) for basis in measure.basis), "never a basis out of date"
        assert not (entry.list_kind is ListKind.WATCH and measure.constraint is Constraint.PUBLICITY)
        assert entry.origin is not Origin.THIRD_PARTY
        if measure.kind is MeasureKind.DISCIPLINE:
            by_then = resolve(entry, roles, context, Law(book.as_of(since), date.min), since)
            assert measure.measure_id in who(by_then), "a later law adds no punishment"
    assert len({(d.department, d.measure.measure_id) for d in found.directives}) == len(found.directives)
    fresh = LawBook.empty().with_changes(book._history)  # pyright: ignore[reportPrivateUsage]
    assert resolve(entry, roles, context, law_on(fresh, today), since) == found, "the same law, the same answer"


@for_all(laws(), entries(), BESIDE)
@settings(max_examples=150, deadline=None)
def test_later_publications_only_make_a_decision_milder(
    law: tuple[LawBook, int], entry: Entry, context: FileContext
) -> None:
    book, since = law
    number = count()
    then = None
    for version in range(since, book.version + 1):
        now = resolve(entry, (), context, law_on(book.as_of(version), TODAY), since)
        punished = {d.measure.measure_id for d in now.directives if d.measure.kind is MeasureKind.DISCIPLINE}
        granted = {d.measure.measure_id for d in now.directives if d.measure.kind is MeasureKind.INCENTIVE}
        if next(number) == 0:
            then = punished, granted
        assert then is not None
        by_then = who(resolve(entry, (), context, Law(book.as_of(since), date.min), since))
        assert punished <= set(by_then)
        assert granted == then[1]
