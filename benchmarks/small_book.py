"""A small law book: one list, three departments, two measures each, so that an entry has six lines."""

from datetime import date
from itertools import count

from services.catalogue.files.shipped import Shipped
from shared.contracts.event import DepartmentId, DomainId, EntryId, EventId, InstrumentId, LineId, MeasureId, ResponseId
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
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import LawbookChange
from shared.contracts.listing import Subject
from shared.contracts.policy import Policy
from shared.contracts.response import Line, ResponseDirected
from shared.ids import new_event_id

LISTER = DepartmentId("bench-court")
IMPLEMENTERS = tuple(DepartmentId(f"bench-department-{nth}") for nth in range(1, 4))
CREDIT_OFFICE = DepartmentId("bench-credit-office")
DOMAIN = DomainId("bench-defaulters")
MATTER = "government-procurement"
REGION = "410300"

_MEMORANDUM = InstrumentId("bench-memorandum")
_FROM = date(2016, 1, 1)
_TEXT = "依法限制其作为供应商参加政府采购活动，并将失信信息作为资格审查的重要参考（示例措施，仅供测量）"
_BASIS = Basis(document="《中华人民共和国政府采购法》（示例）", article="第二十二条", valid_from=_FROM)
_WORKS = (Works.OCCASION, Works.LASTING)


def small_book() -> Shipped:
    """The book as content for the catalogue."""
    names = (CREDIT_OFFICE, LISTER, *IMPLEMENTERS)
    return Shipped(
        departments=tuple(
            Department(
                department_id=name,
                name_zh=f"示例部门{nth}",
                name_en=f"Example department {nth}",
                region=REGION,
                credit_office=name == CREDIT_OFFICE,
            )
            for nth, name in enumerate(names)
        ),
        domains=(
            Domain(
                domain_id=DOMAIN,
                name_zh="示例领域",
                name_en="Example domain",
                lists=(ListKind.BLACK,),
                may_list=(LISTER,),
            ),
        ),
        instruments=(
            Instrument(
                instrument_id=_MEMORANDUM,
                version=1,
                kind="memorandum",
                title_zh="关于对示例失信被执行人实施联合惩戒的合作备忘录",
                document_number="示例〔2016〕1号",
                issued_by="示例机关",
                region=REGION,
                in_force_from=_FROM,
            ),
        ),
        measures=tuple(measures()),
        policies=(Policy(policy_id="bench-policy", version=1, region=REGION, effective_from=_FROM),),
        matters=(),
    )


def measures() -> list[Measure]:
    """Two measures per department: one that is armed until an occasion, one that lasts."""
    return [
        Measure(
            measure_id=MeasureId(f"{department}-{works.value}"),
            version=1,
            text_zh=_TEXT,
            clause="示例〔2016〕1号 三（一）",
            kind=MeasureKind.DISCIPLINE,
            constraint=Constraint.ADMINISTRATIVE,
            force=Force.MANDATORY,
            duty=Duty.OWED,
            works=works,
            target=Target(lists=(ListKind.BLACK,), domains=(DOMAIN,)),
            implementers=(department,),
            matters=(MATTER,) if works is Works.OCCASION else (),
            basis=(_BASIS,),
            instrument_id=_MEMORANDUM,
            on_end=Undoing.STOP,
            on_error=Undoing.RESTORE,
            published=True,
            effective_from=_FROM,
        )
        for department in IMPLEMENTERS
        for works in _WORKS
    ]


def changes() -> tuple[LawbookChange, ...]:
    return small_book().changes()


def directions(subject: Subject, version: int) -> list[ResponseDirected]:
    """The registry's directions for an entry of this subject: three responses with two lines each."""
    entry_id = EntryId(new_event_id())
    list_event = EventId(new_event_id())
    numbers = count()
    return [
        ResponseDirected(
            entry_id=entry_id,
            subject=subject.key,
            lawbook_version=version,
            list_event_id=list_event,
            response_id=ResponseId(new_event_id()),
            department=department,
            of=subject,
            list_kind=ListKind.BLACK,
            domain_id=DOMAIN,
            entry_subject=subject.key,
            jurisdiction=REGION,
            until=date(2035, 1, 1),
            lines=tuple(
                _line(measure, LineId(f"{entry_id}-{next(numbers)}"))
                for measure in measures()
                if department in measure.implementers
            ),
        )
        for department in IMPLEMENTERS
    ]


def _line(measure: Measure, line_id: LineId) -> Line:
    return Line(
        line_id=line_id,
        measure_id=measure.measure_id,
        measure_version=1,
        text_zh=measure.text_zh,
        kind=measure.kind,
        force=measure.force,
        duty=measure.duty,
        works=measure.works,
        matters=measure.matters,
        instrument_id=measure.instrument_id,
        instrument_version=1,
        basis=f"{_BASIS.document}{_BASIS.article}",
        on_end=measure.on_end,
        on_error=measure.on_error,
        answer_within_days=measure.answer_within_days,
        undo_within_days=measure.undo_within_days,
    )
