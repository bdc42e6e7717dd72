"""Time limits in working days, with the holidays and make-up days of China."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import working_days
from shared.calendar.notice import BadNotice, parse_notices, read_notices
from shared.calendar.working_days import (
    add_working_days,
    day_start,
    end_of_day,
    is_working_day,
    known_years,
    today,
    unknown_years,
    use_notices,
    working_days_between,
)
from tests.holidays import notice_file, notice_text

days = st.dates(date(2010, 1, 1), date(2040, 12, 31))


def test_a_limit_starts_on_the_day_after():
    assert add_working_days(date(2017, 11, 6), 1) == (date(2017, 11, 7), True)
    assert add_working_days(date(2017, 11, 6), 5) == (date(2017, 11, 13), True)


def test_a_limit_of_zero_working_days_ends_on_the_same_day():
    assert add_working_days(date(2017, 11, 5), 0) == (date(2017, 11, 5), True)


def test_the_national_day_holiday_is_passed_over():
    assert add_working_days(date(2017, 9, 30), 1) == (date(2017, 10, 9), True)


def test_a_saturday_that_makes_up_for_a_holiday_counts():
    assert is_working_day(date(2017, 9, 30))  # a Saturday
    assert add_working_days(date(2017, 9, 29), 1) == (date(2017, 9, 30), True)


def test_a_year_without_a_published_calendar_counts_monday_to_friday_and_is_not_certain():
    assert add_working_days(date(2098, 10, 1), 1) == (date(2098, 10, 2), False)
    assert add_working_days(date(1999, 9, 30), 1) == (date(1999, 10, 1), False)


def test_a_limit_that_runs_into_an_unknown_year_is_not_certain():
    known, unknown = date(2003, 12, 31), date(2004, 1, 2)
    assert add_working_days(known, 1) == (unknown, False)
    assert add_working_days(unknown, 1) == (date(2004, 1, 5), True)


def test_the_years_that_are_not_known_are_named():
    assert unknown_years(date(2017, 11, 6), date(2018, 1, 5)) == ()
    assert unknown_years(date(2003, 12, 31), date(2004, 1, 2)) == (2003,)
    assert unknown_years(date(2098, 1, 1), date(2097, 1, 1)) == (2097, 2098)


def test_every_year_that_is_known_has_its_spring_festival_and_its_national_day():
    for year in range(2004, 2027):
        assert unknown_years(date(year, 1, 1), date(year, 12, 31)) == ()
        assert not is_working_day(date(year, 10, 1))
        weekdays_off = [
            day
            for n in range(60)
            if (day := date(year, 1, 15) + timedelta(days=n)).weekday() < 5 and not is_working_day(day)
        ]
        assert len(weekdays_off) >= 3, year


@given(days, st.integers(1, 400))
def test_an_answer_is_certain_exactly_when_every_year_on_the_way_is_known(day: date, n: int):
    found = add_working_days(day, n)
    assert found.certain is (unknown_years(day, found.date) == ())


def test_working_days_are_not_counted_backward():
    with pytest.raises(ValueError, match="forward"):
        add_working_days(date(2017, 11, 6), -1)


@given(days, st.integers(0, 400))
def test_counting_undoes_adding(day: date, n: int):
    assert working_days_between(day, add_working_days(day, n).date) == n


@given(days, st.integers(1, 400))
def test_a_limit_always_ends_on_a_working_day(day: date, n: int):
    assert is_working_day(add_working_days(day, n).date)


@given(days, days)
def test_counting_is_the_same_day_by_day(start: date, end: date):
    if end < start:
        start, end = end, start
    one_by_one = sum(is_working_day(start + timedelta(days=i)) for i in range(1, (end - start).days + 1))
    assert working_days_between(start, end) == one_by_one
    assert working_days_between(end, start) == -one_by_one


def test_today_is_the_date_in_shanghai():
    assert today(datetime(2017, 11, 6, 15, 59, tzinfo=UTC)) == date(2017, 11, 6)
    assert today(datetime(2017, 11, 6, 16, 0, tzinfo=UTC)) == date(2017, 11, 7)


def test_a_moment_without_a_zone_has_no_date():
    with pytest.raises(ValueError, match="time zone"):
        today(datetime(2017, 11, 6))


@given(days)
def test_a_day_lasts_from_its_start_to_the_start_of_the_next(day: date):
    assert today(day_start(day)) == day
    assert today(end_of_day(day) - timedelta(microseconds=1)) == day
    assert end_of_day(day) == day_start(day + timedelta(days=1))


# --- years that are not announced, and the notice of a site (F12) ------------------------------------------------------


@pytest.fixture
def before_the_notice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The calendar as it was when no year after 2026 was announced, whatever the library knows today."""
    library = working_days._LIBRARY  # pyright: ignore[reportPrivateUsage]
    known = frozenset(year for year in library.years if year <= 2026)
    only = (frozenset(day for day in days if day.year <= 2026) for days in (library.days_off, library.make_up_days))
    monkeypatch.setattr(working_days, "_LIBRARY", type(library)(known, *only))
    use_notices(())
    yield
    monkeypatch.undo()
    use_notices(())


MONDAY = date(2027, 1, 25)
"""Before the spring festival of 2027."""


@pytest.mark.usefixtures("before_the_notice")
def test_ten_working_days_before_the_spring_festival_of_2027_are_uncertain_until_the_notice_is_there():
    assert add_working_days(MONDAY, 10) == (date(2027, 2, 8), False)
    use_notices(parse_notices(notice_text(2027)))
    # 26 to 29 January, Sunday 31 January, 1 to 4 February, then the festival, and Saturday 13 February.
    assert add_working_days(MONDAY, 10) == (date(2027, 2, 13), True)
    assert add_working_days(date(2026, 12, 31), 1) == (date(2027, 1, 4), True)
    use_notices(())
    assert add_working_days(MONDAY, 10) == (date(2027, 2, 8), False)


@pytest.mark.usefixtures("before_the_notice")
def test_a_notice_of_the_site_is_taken_for_its_year_alone():
    """A year that the library knows is taken from the notice; other years are as before; a notice may reach into December."""
    before = [is_working_day(date(2025, 1, 1) + timedelta(days=n)) for n in range(365)]
    moved = notice_text(2026).replace("2026-01-01,off", "2025-12-31,off") + "2026,2026-01-01,off,示例发电〔2025〕1号\n"
    use_notices(parse_notices(moved))
    assert not is_working_day(date(2025, 12, 31))
    assert [is_working_day(date(2025, 1, 1) + timedelta(days=n)) for n in range(364)] == before[:364]
    assert is_working_day(date(2026, 2, 17)), "the library's spring festival of 2026 is not that of the notice"
    assert not is_working_day(date(2026, 2, 5))
    assert known_years() == frozenset(range(2004, 2027))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("2027,2027-02-30,off,示例1号", "line 2: '2027-02-30' is no day (YYYY-MM-DD)"),
        ("27,2027-02-05,off,示例1号", "line 2: '27' is no year"),
        ("2027,2028-02-05,off,示例1号", "line 2: 2028-02-05 is neither in 2027 nor in the December before it"),
        ("2027,2026-11-30,off,示例1号", "line 2: 2026-11-30 is neither in 2027 nor in the December before it"),
        ("2027,2027-02-05,free,示例1号", "line 2: kind is 'free', not off or work"),
        (
            "2027,2027-02-05,work,示例1号",
            "line 2: 2027-02-05 is neither a Saturday nor a Sunday, so it makes up for nothing",
        ),
        ("2027,2027-02-05,off, ", "line 2: the document number is missing"),
        ("2027,2027-02-05,off", "line 2: 3 cells instead of 4"),
    ],
)
def test_a_fault_in_a_notice_is_named_with_its_line(line: str, fault: str):
    head, *rest = notice_text(2027).splitlines()
    with pytest.raises(BadNotice) as caught:
        parse_notices("\n".join([head, line, *rest]))
    assert caught.value.faults[0] == fault


def test_contradictions_in_a_notice_are_named_with_their_line():
    twice = notice_text(2027) + "2027,2027-10-01,off,示例发电〔2026〕2号\n"
    with pytest.raises(BadNotice) as caught:
        parse_notices(twice)
    line = len(twice.splitlines())
    assert caught.value.faults == [
        f"line {line}: 2027-10-01 stands in line 12 already",
        f"line {line}: 2027 has another document number, 示例发电〔2026〕1号",
    ]


def test_a_notice_that_is_not_complete_is_refused_because_deadlines_would_look_certain():
    lines = notice_text(2027).splitlines()
    for missing, said in (
        ("2027-10-01", "2027: 2027-10-01 is not off"),
        ("2027-02", "2027: the spring festival is missing"),
    ):
        with pytest.raises(BadNotice, match=said):
            parse_notices("\n".join(line for line in lines if missing not in line))
    for empty in ("", "day,kind\n", notice_text()):
        with pytest.raises(BadNotice):
            parse_notices(empty)


def test_a_notice_is_read_from_a_file_of_utf_8(tmp_path: Path):
    [notice] = read_notices(notice_file(tmp_path, 2027))
    assert (notice.year, notice.document_number, len(notice.make_up_days)) == (2027, "示例发电〔2026〕1号", 2)
    gbk = tmp_path / "gbk.csv"
    gbk.write_bytes(notice_text(2027).encode("gb18030"))
    with pytest.raises(BadNotice, match="it is not UTF-8"):
        read_notices(gbk)
    with pytest.raises(BadNotice, match="No such file"):
        read_notices(tmp_path / "none.csv")
