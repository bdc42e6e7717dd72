"""When the public may see an entry, as recorded in the file of the listed subject. Pure.

The period is decided by the law book when the entry is recorded, and again when the law changes. Publicity ends from now on only:
what was public yesterday was public, whatever a later law or a correction says. So who left the public list, and when, is known.
"""

from datetime import date, timedelta

from services.registry.domain.events import Publicity, PublicityChanged
from services.registry.domain.file import EntryInFile, SubjectFile
from services.registry.domain.law import Law
from shared.contracts.listing import Entry
from shared.lawbook.publicity import may_be_public, publicity_period


def publicity_of(entry: Entry, law: Law, day: date, before: Publicity | None) -> Publicity:
    """The publicity of an entry from `day` on. `before`: what was recorded until then."""
    period = publicity_period(entry, law.book, day)
    allowed = may_be_public(entry, law.book, day) and (period.until is None or period.from_day <= period.until)
    return _ended_now(before, Publicity(allowed=allowed, from_day=period.from_day, until=period.until), day)


def publicity_again(file: SubjectFile, law: Law, day: date) -> list[PublicityChanged]:
    """The entries of the listed subject whose publicity is another one by this law."""
    changed: list[PublicityChanged] = []
    for held in file.entries.values():
        if not held.active or held.roles:
            continue
        found = publicity_of(held.entry, law, day, held.publicity)
        if found != held.publicity:
            changed.append(_changed(held, found, law))
    return changed


def _changed(held: EntryInFile, found: Publicity, law: Law) -> PublicityChanged:
    return PublicityChanged(
        entry_id=held.entry.entry_id, publicity=found, lawbook_version=law.book.version, law_day=law.day
    )


def _ended_now(before: Publicity | None, found: Publicity, day: date) -> Publicity:
    """`found`, or what was before with yesterday as its last day when `found` ends it in the past."""
    if before is None or not before.allowed or found.shown_on(day) or (found.allowed and found.from_day > day):
        return found
    yesterday = day - timedelta(days=1)
    return before.model_copy(update={"until": min(before.until or yesterday, yesterday)})
