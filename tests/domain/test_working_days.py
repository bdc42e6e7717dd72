"""Time limits in working days, with the holidays and make-up days of China."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar.working_days import (
    add_working_days,
    day_start,
    end_of_day,
    is_working_day,
    today,
    unknown_years,
    working_days_between,
)

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
