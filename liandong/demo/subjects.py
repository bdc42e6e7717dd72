"""Invented subjects, any number, the same for the same seed. No real person or company can be among them.

Companies are called 示例第…号商贸有限公司. Their credit codes have a valid check digit (GB 32100), but contain an organisation
code with a deliberately wrong check character (GB 11714), so no such code can have been issued. Persons are called 示例…;
their numbers have a valid check digit and begin with the division 999999, which does not exist. For one seed, different
indices give different numbers.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd

from stdnum.cn import ric, uscc

_DIVISION = "410300"
_NO_DIVISION = "999999"
_ORGANISATIONS = 10**8
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_FIRST_BIRTHDAY = date(1950, 1, 1)
_BIRTHDAYS = 18_000  # until April 1999
_PEOPLE = _BIRTHDAYS * 1_000
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"


@dataclass(frozen=True, slots=True)
class InventedCompany:
    """A legal person that does not exist."""

    name: str
    credit_code: str


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """A natural person who does not exist."""

    name: str
    resident_id: str


class InventedSubjects:
    """Subjects by index, computed on demand: 10^8 companies and 18 million persons per seed."""

    def __init__(self, seed: int = 0) -> None:
        source = random.Random(seed)  # noqa: S311 (not a secret)
        self._organisation = _Shuffle(_ORGANISATIONS, source)
        self._person = _Shuffle(_PEOPLE, source)

    def company(self, index: int) -> InventedCompany:
        """The company with this index, counted from 0. Raises `IndexError` beyond the last."""
        organisation = f"{self._organisation[index]:08d}"
        code = f"91{_DIVISION}{organisation}{_wrong_check_of(organisation)}"
        return InventedCompany(f"示例第{index:06d}号商贸有限公司", code + uscc.calc_check_digit(code))

    def person(self, index: int) -> InventedPerson:
        """The person with this index, counted from 0. Raises `IndexError` beyond the last."""
        days, order = divmod(self._person[index], 1_000)
        number = f"{_NO_DIVISION}{_FIRST_BIRTHDAY + timedelta(days=days):%Y%m%d}{order:03d}"
        return InventedPerson(f"示例{_cyclic(index)}", number + ric.calc_check_digit(number + "0"))

    def companies(self, count: int, start: int = 0) -> Iterator[InventedCompany]:
        return map(self.company, range(start, start + count))

    def persons(self, count: int, start: int = 0) -> Iterator[InventedPerson]:
        return map(self.person, range(start, start + count))


class _Shuffle:
    """A permutation of 0 … size-1, computed for one index at a time."""

    def __init__(self, size: int, source: random.Random) -> None:
        self._size = size
        self._step = next(step for step in iter(lambda: source.randrange(1, size), 0) if gcd(step, size) == 1)
        self._offset = source.randrange(size)

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self._size:
            raise IndexError(f"only {self._size} subjects can be invented from one seed")
        return (index * self._step + self._offset) % self._size


def _wrong_check_of(organisation: str) -> str:
    """A digit that is not the check character of this organisation code."""
    right = (11 - sum(int(d) * w for d, w in zip(organisation, _ORGANISATION_WEIGHTS, strict=True)) % 11) % 11
    return str((right + 1) % 10)


def _cyclic(index: int) -> str:
    """A given name without meaning: 甲 … 癸, then 甲子, 甲丑, …"""
    if index < len(_STEMS):
        return _STEMS[index]
    return _STEMS[index // len(_BRANCHES) % len(_STEMS)] + _BRANCHES[index % len(_BRANCHES)]
