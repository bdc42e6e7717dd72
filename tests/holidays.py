"""Invented notices of holidays (示例), for years that no library knows. Not what the State Council announces."""

from datetime import date, timedelta
from pathlib import Path

_HEAD = "year,day,kind,document_number"


def notice_text(*years: int) -> str:
    """A complete file of notices for these years: the spring festival is off from 5 to 12 February, and made up for on the last
    Sunday of January and the Saturday after it."""
    return "\n".join([_HEAD, *(row for year in years for row in _rows(year))]) + "\n"


def _rows(year: int) -> list[str]:
    off = [date(year, 1, 1), *(date(year, 2, day) for day in range(5, 13)), date(year, 5, 1)]
    off += [date(year, 10, day) for day in range(1, 8)]
    work = [_sunday_before(date(year, 2, 1)), _saturday_after(date(year, 2, 12))]
    days = [*((day, "off") for day in off), *((day, "work") for day in work)]
    return [f"{year},{day},{kind},示例发电〔{year - 1}〕1号" for day, kind in days]


def _sunday_before(day: date) -> date:
    return day - timedelta(days=day.isoweekday())


def _saturday_after(day: date) -> date:
    return day + timedelta(days=(5 - day.weekday()) % 7 or 7)


def notice_file(folder: Path, *years: int) -> Path:
    """The same as a file."""
    file = folder / f"holidays-{years[0]}.csv"
    file.write_text(notice_text(*years), encoding="utf-8")
    return file
