"""Names as they are compared: one text for all ways of writing a name, and parts that match the whole."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shared.identity.names import bigrams, matching_name

NAME = "示例龙门石窟(洛阳)ab文化有限公司"


@pytest.mark.parametrize(
    "written",
    [
        "示例龍門石窟（洛陽）AB文化有限公司",
        "示例 龙门石窟〔洛阳〕ａＢ文化　有限公司",
        "\t示例龙门石窟【洛阳】Ab文化有限公司\n",
        NAME,
    ],
)
def test_width_case_spaces_brackets_and_traditional_characters_make_no_difference(written: str) -> None:
    assert matching_name(written) == NAME


def test_a_character_is_converted_alone_so_that_a_part_matches_the_whole() -> None:
    assert matching_name("乾") in matching_name("示例乾坤贸易行")


@for_all(
    st.text(st.sampled_from("示例龍龙門（(）)AaＡ 　乾坤后後"), max_size=12), st.integers(0, 12), st.integers(0, 12)
)
def test_the_text_of_a_part_is_a_part_of_the_text(name: str, start: int, end: int) -> None:
    part = matching_name(name[start:end])
    assert part in matching_name(name)
    assert set(bigrams(part)) <= set(bigrams(matching_name(name)))


def test_pairs_of_characters_are_named_once() -> None:
    assert bigrams("白马寺白马") == ["白马", "马寺", "寺白"]
    assert bigrams("白") == bigrams("") == []
