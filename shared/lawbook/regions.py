"""Region codes (行政区划代码, GB/T 2260): six digits, two each for province, city and county."""

STATE = "000000"
"""The code of the state as a whole."""


def governs(region: str, jurisdiction: str) -> bool:
    """Whether what was issued for `region` is valid in `jurisdiction`: 410300 governs 410302, 000000 governs all."""
    return jurisdiction.startswith(_prefix(region))


def regions_from(region: str) -> tuple[str, ...]:
    """The region and those that contain it, the most specific first: 410302, 410300, 410000, 000000."""
    return tuple(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000", STATE)))


def _prefix(region: str) -> str:
    prefix = region
    while prefix.endswith("00") and len(prefix) % 2 == 0:
        prefix = prefix[:-2]
    return prefix
