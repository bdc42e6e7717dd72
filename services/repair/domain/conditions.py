"""Conditions of a repair (row 15): evidence, and the minimum of publicity. Others are planned."""

from datetime import date, timedelta

from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Entry
from shared.contracts.policy import RepairNeeds
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Question, governing, value_of
from shared.lawbook.publicity import publicity_period


def earliest_repair(entry: Entry, book: LawBook, day: date) -> date | None:
    """The first day on which the entry can be repaired, by the policy of `day` (程序从新).

    None: no minimum applies. An entry that is not public has none, nor has one whose policy does not ask for it.
    """
    rules = governing(book, Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, day))
    needs = value_of(rules.procedure.repair_needs, ())
    if RepairNeeds.MINIMUM_PUBLICITY_PASSED not in needs or not entry.public or entry.list_kind is ListKind.RED:
        return None
    last = publicity_period(entry, book, day).at_least_until
    return None if last is None or last == date.max else last + timedelta(days=1)
