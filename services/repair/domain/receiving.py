"""Which departments receive an objection: those that the policy of the day of filing names (row 16)."""

from datetime import date

from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.contracts.policy import ReceivedBy
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Governing, value_of
from shared.lawbook.responsibility import answers_for, is_credit_office_for

_BY_THE_STATE = (ReceivedBy.IMPLEMENTERS,)
"""Where no policy governs, 国发〔2016〕33号 (二十二) applies in the whole state: 有关部门和单位在执行失信联合惩戒措施时主动发现、
经市场主体提出异议申请或投诉发现信息不实的."""


def may_receive(entry: Entry, department: DepartmentId | None, rules: Governing, book: LawBook, day: date) -> bool:
    """Whether the department may file an objection to the entry on this day.

    Those that answer for the entry always may: their own finding is an objection too. The credit centre (信用中心) is a
    department of the law book that is a credit office, like the credit office (信用办) itself.
    """
    if department is None or answers_for(entry, department):
        return department is not None
    receivers = value_of(rules.procedure.objection_received_by, _BY_THE_STATE)
    if ReceivedBy.IMPLEMENTERS in receivers and _implements(entry, department, book, day):
        return True
    by_offices = not {ReceivedBy.CREDIT_CENTRE, ReceivedBy.CREDIT_OFFICE}.isdisjoint(receivers)
    return by_offices and is_credit_office_for(book, department, entry.jurisdiction)


def _implements(entry: Entry, department: DepartmentId, book: LawBook, day: date) -> bool:
    """Whether it implements a measure that can follow from this list in this jurisdiction: by the measures of the day of the
    decision, or by those of today."""
    regions = book.lineage(entry.jurisdiction)
    for on in {entry.decision.decided_on, day}:
        for measure in book.measures_for(entry.domain_id, entry.list_kind, on):
            instrument = book.instrument_on(measure.instrument_id, on)
            if instrument is None or instrument.region not in regions:
                continue
            if any(one.department_id == department for one in book.implementers_of(measure, entry.jurisdiction)):
                return True
    return False
