"""Builders of contracts for tests: sound by default, each field can be changed by name. All subjects are invented (示例)."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from shared.contracts.directory import Basis, LegalBasis, Region, RegionLevel
from shared.contracts.event import DepartmentId, DomainId, EntryId, InstrumentId, LineId, MeasureId, SubjectKey
from shared.contracts.lawbook import (
    Constraint,
    Department,
    Domain,
    Duty,
    Force,
    Instrument,
    ListKind,
    Measure,
    MeasureKind,
    SubjectKind,
    Target,
    Undoing,
    Works,
)
from shared.contracts.listing import Decision, Entry, Subject
from shared.contracts.response import Line
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, publications

PUBLISHED_ON = date(2020, 1, 1)


def a_subject(key: str = "uscc:91410300MA40000011", **changes: Any) -> Subject:
    """A legal person."""
    return Subject.model_validate(
        {"key": SubjectKey(key), "kind": SubjectKind.LEGAL, "name": "示例建材有限公司", **changes}
    )


def a_decision(**changes: Any) -> Decision:
    return Decision.model_validate(
        {
            "document_number": "示例〔2026〕1号",
            "decided_by": DepartmentId("example-tax"),
            "decided_on": date(2026, 3, 2),
            "facts": "示例事实",
            "legal_basis": "示例办法 第三条",
            **changes,
        }
    )


def an_entry(entry_id: str = "0197a000-0000-7000-8000-000000000001", **changes: Any) -> Entry:
    """A public black entry of the domain `tax` in Luoyang (410300), decided by its initiator."""
    initiator = changes.get("initiated_by", DepartmentId("example-tax"))
    return Entry.model_validate(
        {
            "entry_id": EntryId(entry_id),
            "list_kind": ListKind.BLACK,
            "domain_id": DomainId("tax"),
            "grade": None,
            "subject": a_subject(),
            "initiated_by": initiator,
            "published_by": initiator,
            "decision": a_decision(decided_by=initiator),
            "jurisdiction": "410300",
            "term_from": date(2026, 3, 2),
            "term_to": date(2027, 3, 1),
            "public": True,
            **changes,
        }
    )


def a_basis(basis_id: str = "example-law", **changes: Any) -> LegalBasis:
    """A law of the state, valid since 2020."""
    return LegalBasis.model_validate(
        {
            "basis_id": basis_id,
            "version": 1,
            "document": "示例法",
            "article": "第一条",
            "issued_by": "示例",
            "valid_from": PUBLISHED_ON,
            **changes,
        }
    )


def a_department(department_id: str = "example-tax", **changes: Any) -> Department:
    return Department.model_validate(
        {"department_id": department_id, "name_zh": "示例部门", "name_en": "Example", "region": "410300", **changes}
    )


def a_domain(domain_id: str = "tax", **changes: Any) -> Domain:
    """A domain that keeps every list and names `example-tax` as lister."""
    return Domain.model_validate(
        {
            "domain_id": domain_id,
            "name_zh": "示例领域",
            "name_en": "Example",
            "lists": tuple(ListKind),
            "may_list": (DepartmentId("example-tax"),),
            **changes,
        }
    )


def an_instrument(instrument_id: str = "memo", version: int = 1, **changes: Any) -> Instrument:
    """A memorandum of the state, in force since 2020."""
    return Instrument.model_validate(
        {
            "instrument_id": InstrumentId(instrument_id),
            "version": version,
            "kind": "memorandum",
            "title_zh": "示例备忘录",
            "document_number": "示例〔2020〕1号",
            "issued_by": "示例办",
            "region": "000000",
            "in_force_from": PUBLISHED_ON,
            **changes,
        }
    )


def a_measure(measure_id: str = "m1", version: int = 1, **changes: Any) -> Measure:
    """A published, mandatory discipline of the memorandum `memo`, owed by `example-tax`, done once."""
    return Measure.model_validate(
        {
            "measure_id": MeasureId(measure_id),
            "version": version,
            "text_zh": f"示例措施 {measure_id}",
            "clause": "示例",
            "kind": MeasureKind.DISCIPLINE,
            "constraint": Constraint.ADMINISTRATIVE,
            "force": Force.MANDATORY,
            "duty": Duty.OWED,
            "works": Works.ACT,
            "target": Target(lists=(ListKind.BLACK,)),
            "implementers": (DepartmentId("example-tax"),),
            "basis": (Basis(document="示例办法", article="第一条", valid_from=PUBLISHED_ON),),
            "instrument_id": InstrumentId("memo"),
            "on_end": Undoing.STOP,
            "on_error": Undoing.RESTORE,
            "published": True,
            "effective_from": PUBLISHED_ON,
            **changes,
        }
    )


def a_line(line_id: str = "l1", **changes: Any) -> Line:
    """The line of a response that the measure `m1` leads to."""
    return Line.model_validate(
        {
            "line_id": LineId(line_id),
            "measure_id": MeasureId("m1"),
            "measure_version": 1,
            "text_zh": "示例措施",
            "kind": MeasureKind.DISCIPLINE,
            "force": Force.MANDATORY,
            "duty": Duty.OWED,
            "works": Works.ACT,
            "instrument_id": InstrumentId("memo"),
            "instrument_version": 1,
            "basis": "示例办法 第一条",
            "on_end": Undoing.STOP,
            "on_error": Undoing.RESTORE,
            "answer_within_days": 10,
            "undo_within_days": 10,
            **changes,
        }
    )


def the_regions() -> tuple[Region, ...]:
    """Luoyang (410300) with a district of it, another city of the province, and what they belong to."""
    return (
        Region(code="000000", name_zh="中华人民共和国", level=RegionLevel.STATE),
        Region(code="410000", name_zh="河南省", parent="000000", level=RegionLevel.PROVINCE),
        Region(code="410300", name_zh="洛阳市", parent="410000", level=RegionLevel.CITY),
        Region(code="410308", name_zh="孟津区", parent="410300", level=RegionLevel.COUNTY),
        Region(code="410900", name_zh="濮阳市", parent="410000", level=RegionLevel.CITY),
    )


def a_book(items: Iterable[Item]) -> LawBook:
    """A law book of these items, in versions from 1 on."""
    return LawBook.empty().with_changes(publications(items, 0))
