"""Every fault code in the sources has wording in both languages, and the faults have all facts of the wording.

Every code that has wording is raised somewhere, and has its wording in one file.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from shared.web.wording import DEFAULT_FACTS, Phrase, Text, Wording, names_in

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path for path in ROOT.glob("services/*") if path.is_dir() and not path.name.startswith("_"))
FOLDERS = pytest.mark.parametrize("folder", [ROOT / "shared", *SERVICES], ids=lambda path: path.name)


@dataclass(frozen=True)
class Refusal:
    """A literal fault code in the sources. `facts` is None if the call does not show them."""

    where: str
    code: str
    facts: frozenset[str] | None


@cache
def wording_of(folder: Path) -> Wording:
    """The shared wording together with that of the service."""
    own = folder / "wording.yaml"
    return Wording.load([own] if own.exists() else [])


def own_codes(service: Path) -> set[str]:
    """The codes with wording of the service itself, without the shared ones."""
    return set(wording_of(service).phrases) - set(wording_of(ROOT / "shared").phrases)


def refusals(folder: Path) -> Iterator[Refusal]:
    for path in sorted(folder.glob("**/*.py")):
        yield from _refusals(path)


def _refusals(path: Path) -> Iterator[Refusal]:
    """Calls of `reject`, `Fault` and `PydanticCustomError` with a literal code, or one of two (`"a" if x else "b"`)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) in ("reject", "Fault", "PydanticCustomError"):
            argument = node.args[0] if node.args else _keyword(node, "code")
            for code in _literals(argument):
                yield Refusal(f"{path.relative_to(ROOT)}:{node.lineno}", code, _facts(node))


def strings(folder: Path) -> set[str]:
    """Every string literal of the sources: some codes are raised from a table or a match."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("**/*.py")]
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {value for value in constants if isinstance(value, str)}


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _literals(expression: ast.expr | None) -> Iterator[str]:
    match expression:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)
        case _:
            return


def _facts(call: ast.Call) -> frozenset[str] | None:
    if _name(call.func) == "reject":
        names = [keyword.arg for keyword in call.keywords]
        return None if None in names else frozenset(name for name in names if name)
    facts = call.args[2] if len(call.args) > 2 else _keyword(call, "facts")
    if facts is None:
        return frozenset()
    if not isinstance(facts, ast.Dict):
        return None
    keys = [key.value if isinstance(key, ast.Constant) else None for key in facts.keys]
    return None if None in keys else frozenset(str(key) for key in keys)


def _texts(phrase: Phrase) -> list[Text]:
    return [phrase.title, phrase.detail, phrase.remedy]


@FOLDERS
def test_every_code_in_the_sources_has_wording(folder: Path) -> None:
    phrases = wording_of(folder).phrases
    missing = [f"{refusal.where} {refusal.code}" for refusal in refusals(folder) if refusal.code not in phrases]
    assert not missing, "no wording for:\n" + "\n".join(missing)


def test_every_code_with_wording_is_raised_somewhere() -> None:
    in_shared = strings(ROOT / "shared")
    in_services = {service: strings(service) for service in SERVICES}
    everywhere = in_shared.union(*in_services.values())
    unraised = [f"shared: {code}" for code in wording_of(ROOT / "shared").phrases if code not in everywhere]
    for service, own in in_services.items():
        codes = own_codes(service)
        unraised += [f"{service.name}: {code}" for code in sorted(codes) if code not in own | in_shared]
    assert not unraised, "wording of codes that nothing raises:\n" + "\n".join(unraised)


def test_every_code_has_wording_in_one_file_only() -> None:
    """The wording of a code that two services raise is in shared/web/wording/."""
    places = Counter(code for service in SERVICES for code in own_codes(service))
    assert not [code for code, number in places.items() if number > 1]


@FOLDERS
def test_every_fact_that_a_wording_names_is_given_where_its_code_is_raised(folder: Path) -> None:
    missing: list[str] = []
    for refusal in refusals(folder):
        phrase = wording_of(folder).phrases.get(refusal.code)
        if phrase is None or refusal.facts is None:
            continue
        used = {name for text in _texts(phrase) for name in names_in(text.zh) | names_in(text.en)}
        if absent := used - refusal.facts - DEFAULT_FACTS:
            missing.append(f"{refusal.where} {refusal.code}: {', '.join(sorted(absent))}")
    assert not missing, "facts that the wording uses:\n" + "\n".join(missing)


@FOLDERS
def test_both_languages_say_the_same_with_the_same_facts(folder: Path) -> None:
    wording = wording_of(folder)
    texts = [(code, text) for code, phrase in wording.phrases.items() for text in _texts(phrase)]
    for code, text in [*texts, *wording.terms.items()]:
        assert names_in(text.zh) == names_in(text.en), f"{code}: {text.zh} / {text.en}"
        assert any("一" <= character <= "鿿" for character in text.zh), f"{code} has no Chinese text: {text.zh}"
        assert not any("一" <= character <= "鿿" for character in text.en), f"{code} is not English: {text.en}"


def test_codes_are_found_in_the_sources() -> None:
    assert {refusal.code for refusal in refusals(ROOT / "shared")} >= {"unauthenticated", "not_ready", "stale_version"}
