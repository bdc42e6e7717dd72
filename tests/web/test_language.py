"""Responses are in English for callers that prefer it, and in Chinese for all others."""

import pytest

from shared.web.language import Language, language, preferred, use_language


@pytest.mark.parametrize(
    ("accept_language", "answered"),
    [
        ("", "zh-CN"),
        ("zh-CN", "zh-CN"),
        ("zh-Hant-TW", "zh-CN"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("EN-gb", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en;q=0.5, zh;q=0.9", "zh-CN"),
        ("zh;q=0.1, en ; q=0.2", "en"),
        ("en, zh", "en"),
        ("zh, en", "zh-CN"),
        ("*", "zh-CN"),
        ("zh;q=0, *", "en"),
        ("fr, en;q=0.1", "en"),
        ("fr", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=nonsense, zh;q=0.1", "zh-CN"),
        ("en;q=7", "zh-CN"),
        (",;=,;q=", "zh-CN"),
    ],
)
def test_answers_in_the_language_that_is_liked_better(accept_language: str, answered: str) -> None:
    assert preferred(accept_language).value == answered


def test_the_language_is_chinese_outside_of_a_request() -> None:
    with use_language(Language.EN):
        assert language() is Language.EN
    assert language() is Language.ZH
