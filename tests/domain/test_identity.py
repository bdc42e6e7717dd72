"""Numbers of subjects: which are accepted, which are rejected and why; personal data is never in clear."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from liandong.demo.subjects import InventedSubjects
from shared.contracts.lawbook import SubjectKind
from shared.identity import (
    BadSecrets,
    IdentitySecrets,
    Seal,
    SubjectKeys,
    Unsealable,
    credit_code,
    kind_of,
    load_or_make_secrets,
    load_secrets,
    make_secrets,
    mask_name,
    parse_secrets,
    resident_id,
)
from shared.rejection import Fault, Rejected

INVENTED = InventedSubjects(seed=7)
CODE = INVENTED.company(0).credit_code
NUMBER = INVENTED.person(0).resident_id
KEYS = SubjectKeys(b"0" * 32)

CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
NUMBER_CHARACTERS = "0123456789X"
indices = st.integers(0, 10**6)


def fault_of(excinfo: pytest.ExceptionInfo[Rejected]) -> Fault:
    (fault,) = excinfo.value.faults
    return fault


def with_check_digit(body: str) -> str:
    return body + uscc.calc_check_digit(body)


def test_a_valid_credit_code_is_accepted_as_it_stands():
    assert credit_code(CODE) == CODE


def test_a_credit_code_is_accepted_in_lower_case_full_width_and_with_spaces_and_hyphens():
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in CODE)
    assert credit_code(f"  {CODE[:8].lower()}-{CODE[8:12]} {CODE[12:]}\u3000") == CODE
    assert credit_code(full_width) == CODE


@pytest.mark.parametrize("authority", "NYAG")
def test_a_credit_code_may_begin_with_the_characters_added_since_2016(authority: str):
    code = with_check_digit(f"{authority}1410300{CODE[8:17]}")
    assert credit_code(code) == code


def test_a_division_that_does_not_exist_is_no_reason_to_refuse_a_credit_code():
    code = with_check_digit(f"91999999{CODE[8:17]}")
    assert credit_code(code) == code


def test_an_old_registration_number_of_15_digits_is_named_as_such():
    with pytest.raises(Rejected) as refused:
        credit_code("410300000000123", "subject.number")
    assert fault_of(refused) == Fault("credit_code_is_old_number", "subject.number", {"length": 15})


@pytest.mark.parametrize(("text", "length"), [("", 0), (CODE[:14], 14), (CODE + "0", 19), ("9141030000000AB", 15)])
def test_a_credit_code_of_another_length_is_refused_with_its_length(text: str, length: int):
    with pytest.raises(Rejected) as refused:
        credit_code(text)
    assert fault_of(refused) == Fault("credit_code_length", None, {"length": length})


@pytest.mark.parametrize(("position", "character"), [(1, "B"), (3, "A"), (12, "I"), (18, "O"), (9, "示"), (10, "٣")])
def test_a_character_that_no_credit_code_has_there_is_named_with_its_place(position: int, character: str):
    with pytest.raises(Rejected) as refused:
        credit_code(CODE[: position - 1] + character + CODE[position:])
    assert fault_of(refused) == Fault("credit_code_character", None, {"position": position, "character": character})


@given(indices, st.integers(0, 17), st.sampled_from(CODE_CHARACTERS))
def test_a_credit_code_with_one_character_changed_is_always_refused(index: int, place: int, character: str):
    code = INVENTED.company(index).credit_code
    changed = code[:place] + character + code[place + 1 :]
    if changed != code:
        with pytest.raises(Rejected):
            credit_code(changed)


def test_a_wrong_check_character_is_refused_and_not_repaired():
    wrong = "0" if CODE[-1] != "0" else "1"
    with pytest.raises(Rejected) as refused:
        credit_code(CODE[:-1] + wrong)
    assert fault_of(refused) == Fault("credit_code_check_digit")


@given(st.text(max_size=24))
def test_any_text_is_a_credit_code_or_is_refused(text: str):
    try:
        assert len(credit_code(text)) == 18
    except Rejected as refused:
        assert refused.faults[0].code.startswith(("credit_code_", "text_"))


def test_a_valid_identity_number_is_accepted_whatever_its_division():
    assert NUMBER.startswith("999999")
    assert resident_id(f" {NUMBER[:6]} {NUMBER[6:].lower()}") == NUMBER


@given(indices, st.integers(0, 17), st.sampled_from(NUMBER_CHARACTERS))
def test_an_identity_number_with_one_character_changed_is_always_refused(index: int, place: int, character: str):
    number = INVENTED.person(index).resident_id
    changed = number[:place] + character + number[place + 1 :]
    if changed != number:
        with pytest.raises(Rejected):
            resident_id(changed)


def test_each_fault_of_an_identity_number_has_its_code():
    no_such_day = "99999919950230123"
    faulty = {
        NUMBER[:15]: "resident_id_is_old_number",
        NUMBER[:14]: "resident_id_length",
        "示例甲": "resident_id_is_text",
        "A" + NUMBER[1:]: "resident_id_character",
        NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2"): "resident_id_check_digit",
        no_such_day + ric.calc_check_digit(no_such_day + "0"): "resident_id_date",
    }
    for number, code in faulty.items():
        with pytest.raises(Rejected) as refused:
            resident_id(number)
        assert fault_of(refused).code == code


@given(indices, st.integers(0, 17), st.sampled_from("0123456789XAI示"))
def test_a_refusal_never_shows_an_identity_number(index: int, place: int, character: str):
    number = INVENTED.person(index).resident_id
    changed = number[:place] + character + number[place + 1 :]
    for judge in (resident_id, credit_code):
        try:
            judge(changed, "subject.number")
        except Rejected as refused:
            shown = f"{refused} {refused.faults!r}"
            assert changed not in shown
            assert changed[6:14] not in shown


def test_a_legal_person_is_named_by_its_credit_code():
    assert KEYS.legal(CODE.lower()) == f"uscc:{CODE}"
    assert KEYS.of("uscc", CODE) == KEYS.legal(CODE)


def test_a_natural_person_is_named_by_a_keyed_hash():
    key = KEYS.person(NUMBER)
    assert key.startswith("person:")
    assert len(key) == len("person:") + 64
    assert NUMBER not in key
    assert KEYS.of("person", f" {NUMBER}") == key
    assert SubjectKeys(b"1" * 32).person(NUMBER) != key


def test_anything_else_is_named_by_scheme_and_number():
    assert KEYS.of("vessel", " ＡＢ-12 ") == "vessel:AB-12"
    assert kind_of(KEYS.of("vessel", "AB-12")) is SubjectKind.OTHER
    assert kind_of(KEYS.legal(CODE)) is SubjectKind.LEGAL
    assert kind_of(KEYS.person(NUMBER)) is SubjectKind.PERSON


def test_other_papers_of_a_person_are_hashed_as_well():
    key = KEYS.of("person-passport", "E00000000")
    assert "E00000000" not in key
    assert kind_of(key) is SubjectKind.PERSON
    assert key.partition(":")[2] != KEYS.of("person-permit", "E00000000").partition(":")[2]


def test_an_identity_number_under_another_scheme_is_refused_instead_of_standing_in_clear():
    with pytest.raises(Rejected) as refused:
        KEYS.of("licence", NUMBER)
    assert fault_of(refused) == Fault("subject_number_is_personal")


@pytest.mark.parametrize("scheme", ["", "USCC", "a b", "a:b", "-a", "uscc", "person", "a" * 33, "示例", "vessel\n"])
def test_a_scheme_that_is_no_scheme_is_refused(scheme: str):
    with pytest.raises(Rejected) as refused:
        KEYS.other(scheme, "1")
    assert fault_of(refused).code == "subject_scheme"


@pytest.mark.parametrize("number", ["", "  ", "1" * 65, "e" + "\u0301" * 80_000])
def test_a_number_that_is_missing_or_too_long_is_refused_before_it_is_normalised(number: str):
    with pytest.raises(Rejected) as refused:
        KEYS.other("vessel", number)
    assert fault_of(refused).code == "subject_number"


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        SubjectKeys(b"short")


@given(st.text())
def test_what_is_sealed_can_be_opened_with_the_same_keys_only(text: str):
    token = SEAL.seal(text)
    assert SEAL.open(token) == text
    with pytest.raises(Unsealable):
        OTHER_SEAL.open(token)


def test_a_new_key_is_put_first_and_old_tokens_still_open():
    old, new = make_secrets().seal_keys[0], make_secrets().seal_keys[0]
    token = Seal(old).seal("示例甲")
    assert Seal(new, old).open(token) == "示例甲"
    with pytest.raises(Unsealable):
        Seal(new).open(token)


@pytest.mark.parametrize(("name", "masked"), [("示例甲", "示＊＊"), ("示例", "示＊"), ("示", "＊"), ("", "")])
def test_a_masked_name_shows_the_first_character_at_most(name: str, masked: str):
    assert mask_name(name) == masked


def test_secrets_are_made_once_and_then_read(tmp_path: Path):
    path = tmp_path / "secrets" / "identity.json"
    made = load_or_make_secrets(path)
    assert load_or_make_secrets(path) == load_secrets(path) == parse_secrets(made.to_json()) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["identity.json"]


def test_secrets_are_not_part_of_their_representation():
    made = make_secrets()
    shown = f"{made!r} {made.keys()!r} {made.seal()!r}"
    assert made.seal_keys[0] not in shown
    assert repr(made.subject_key) not in shown


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"subject_key": "c2hvcnQ=", "seal_keys": ["x"]}', '"a"', "null"])
def test_unusable_secrets_are_refused_without_quoting_them(value: str):
    with pytest.raises(BadSecrets) as refused:
        parse_secrets(value)
    assert "c2hvcnQ" not in str(refused.value)


def test_secrets_without_a_seal_key_are_refused():
    with pytest.raises(BadSecrets):
        parse_secrets(IdentitySecrets(b"0" * 32, ()).to_json())


def test_missing_secrets_are_refused(tmp_path: Path):
    with pytest.raises(BadSecrets):
        load_secrets(tmp_path / "none.json")


def test_invented_subjects_are_valid_distinct_and_the_same_for_the_same_seed():
    again = InventedSubjects(seed=7)
    companies = list(again.companies(3_000))
    persons = list(again.persons(3_000))
    assert companies[:10] == list(INVENTED.companies(10))
    assert len({credit_code(company.credit_code) for company in companies}) == 3_000
    assert len({resident_id(person.resident_id) for person in persons}) == 3_000
    assert all(company.name.startswith("示例") for company in companies)
    assert all(person.name.startswith("示例") for person in persons)


SEAL = make_secrets().seal()
OTHER_SEAL = make_secrets().seal()
