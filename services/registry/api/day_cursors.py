"""Cursors that carry a day: a listing of several pages is about one day, also when it spans midnight."""

from datetime import date, timedelta

from shared.rejection import Rejected, reject

_SEPARATOR = "."


def day_cursor(day: date, entry_id: str) -> str:
    """The `next` of a page: the day, and the last entry of the page."""
    return f"{day.isoformat()}{_SEPARATOR}{entry_id}"


def read_cursor(after: str) -> tuple[date, str] | None:
    """The day and the entry of a cursor; None for the first page. Raises Rejected: `cursor_unreadable`."""
    if not after:
        return None
    day, _, entry_id = after.partition(_SEPARATOR)
    try:
        return date.fromisoformat(day), entry_id
    except ValueError:
        raise _unreadable() from None


def day_of_listing(on: date | None, after: str, today: date) -> tuple[date, str]:
    """The day that a public listing is about, and the entry after which it continues.

    The public sees what is public today. A listing that began yesterday goes on: its cursor carries its day. Raises Rejected:
    `past_not_public` for any other day, `cursor_unreadable`.
    """
    began = read_cursor(after)
    day, entry_id = began or (today, "")
    if on is not None and on != day:
        raise reject("past_not_public", "query.on", today=today)
    if not today - timedelta(days=1) <= day <= today:
        raise reject("past_not_public", "query.after", today=today)
    return day, entry_id


def _unreadable() -> Rejected:
    return reject("cursor_unreadable", "query.after")
