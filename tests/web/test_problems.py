"""A problem states what is wrong, why, and what to do, in the caller's language, and contains no confidential data."""

import logging

import pytest

from shared.database import connect
from shared.rejection import Fault
from shared.trust import OfficerRole
from shared.web.language import Language
from shared.web.wording import Wording
from tests.stacks import Addresses
from tests.web.conftest import WORDING, Sample
from tests.web.sample import add_database_routes

ENGLISH = {"Accept-Language": "en"}
NUMBER = "410305199001010019"


async def test_a_refusal_says_what_is_wrong_why_and_what_to_do_in_chinese(sample: Sample) -> None:
    answer = await sample.client.post("/v1/forms/early", headers=sample.bearer(OfficerRole.APPROVER))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "zh-CN"
    assert answer.json() == {
        "type": "urn:liandong:problem:sample_too_early",
        "title": "陈述申辩期未满",
        "status": 409,
        "detail": "黑名单的陈述申辩期至 2026-05-09 届满。",
        "instance": "/v1/forms/early",
        "code": "sample_too_early",
        "remedy": "请于 2026-05-09 之后再作决定。",
        "correlation_id": answer.headers["x-correlation-id"],
        "faults": [
            {
                "code": "sample_too_early",
                "field": "decision.decided_on",
                "detail": "黑名单的陈述申辩期至 2026-05-09 届满。",
                "remedy": "请于 2026-05-09 之后再作决定。",
                "facts": {"list": "black", "until": "2026-05-09"},
            }
        ],
    }


async def test_the_same_refusal_in_english(sample: Sample) -> None:
    headers = {**sample.bearer(OfficerRole.APPROVER), **ENGLISH}
    answer = await sample.client.post("/v1/forms/early", headers=headers)
    assert answer.headers["content-language"] == "en"
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["title"] == "Plea window still open"
    assert answer.json()["detail"] == "The plea window for the black list ends on 2026-05-09."
    assert answer.json()["remedy"] == "Decide after 2026-05-09."


async def test_a_version_conflict_contains_the_current_version(sample: Sample) -> None:
    answer = await sample.client.get("/v1/stale")
    assert answer.status_code == 409
    assert answer.json()["faults"][0]["facts"] == {"expected": 3, "current": 5}


async def test_several_faults_come_in_one_answer_under_a_summary(sample: Sample) -> None:
    answer = await sample.client.get("/v1/several", headers=ENGLISH)
    body = answer.json()
    assert (answer.status_code, body["code"], body["title"]) == (422, "several_faults", "2 faults in the request")
    assert [(fault["code"], fault["field"]) for fault in body["faults"]] == [
        ("unknown_domain", "domain_id"),
        ("missing_basis", "decision.legal_basis"),
    ]
    assert all(fault["detail"] and fault["remedy"] for fault in body["faults"])


async def test_a_code_without_wording_is_answered_in_general_terms_and_logged(
    sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await sample.client.get("/v1/unworded", headers=ENGLISH)
    assert answer.status_code == 422
    assert answer.json()["code"] == "a_code_without_wording"
    assert answer.json()["title"] == "Request refused"
    assert "no wording for a_code_without_wording" in caplog.text


async def test_a_missing_fact_leaves_a_gap_and_not_a_failure(sample: Sample) -> None:
    answer = await sample.client.get("/v1/factless", headers=ENGLISH)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The request was based on version —; the current version is —."


async def test_wrong_fields_are_named_with_the_reason_in_both_languages(sample: Sample) -> None:
    form = {"name": "示例长名称建筑工程有限公司", "responsible": [{"role": "driver"}]}
    lister = sample.bearer(OfficerRole.LISTER)
    chinese = await sample.client.post("/v1/forms", json=form, headers=lister)
    english = await sample.client.post("/v1/forms", json=form, headers={**lister, **ENGLISH})
    assert [fault["detail"] for fault in chinese.json()["faults"]] == [
        "“name”不符合要求：最多 10 个字符。",
        "缺少必填项“decided_on”。",
        "“responsible[0].role”不符合要求：应为下列之一：'principal' or 'director'。",
    ]
    assert [fault["detail"] for fault in english.json()["faults"]] == [
        "`name` is not valid: it may have at most 10 characters.",
        "The required field `decided_on` is missing.",
        "`responsible[0].role` is not valid: it must be one of 'principal' or 'director'.",
    ]


async def test_a_validator_can_answer_with_a_code_of_the_wording(sample: Sample) -> None:
    form = {"name": "示例", "decided_on": "2026-01-05", "number": "123"}
    answer = await sample.client.post("/v1/forms", json=form, headers=sample.bearer(OfficerRole.LISTER))
    fault = answer.json()["faults"][0]
    assert (fault["code"], fault["field"], fault["facts"]) == ("credit_code_length", "number", {"length": 3})


async def test_what_was_sent_is_never_repeated(sample: Sample) -> None:
    form = {
        "name": [NUMBER],
        "decided_on": NUMBER,
        "number": NUMBER * 2,
        "checked": NUMBER,
        "responsible": [{"role": NUMBER, NUMBER: 1}],
        "counts": {NUMBER: "many"},
    }
    answer = await sample.client.post("/v1/forms", json=form, headers=sample.bearer(OfficerRole.LISTER))
    assert len(answer.json()["faults"]) == 7
    assert NUMBER not in answer.text
    lost = await sample.client.get(f"/v1/subjects/person/{NUMBER}")
    assert (lost.status_code, lost.json()["instance"]) == (404, "/v1/subjects/person/*")


async def test_a_thousand_wrong_rows_are_answered_with_the_first_hundred(sample: Sample) -> None:
    form = {"name": "示例", "decided_on": "2026-01-05", "responsible": [{"role": ""}] * 150}
    answer = await sample.client.post("/v1/forms", json=form, headers=sample.bearer(OfficerRole.LISTER))
    assert len(answer.json()["faults"]) == 100


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b'{"name": ', "application/json", 400, "body_not_json"),
        (b'{"name": "\xff"}', "application/json", 400, "body_unreadable"),
        (b"[" * 4000, "application/json", 400, "body_unreadable"),
        (b'{"name": "x", "name": "y"}', "application/json", 400, "json_key_twice"),
        (b'{"responsible": [{"role": "director", "role": "principal"}]}', "application/json", 400, "json_key_twice"),
        (b'{"name": NaN}', "application/json", 400, "body_not_json"),
        (b'{"name": "\\ud800"}', "application/json", 422, "text_not_unicode"),
        (b'{"name": "\\uD83d x"}', "application/json", 422, "text_not_unicode"),
        ('{"name": "x"}'.encode("utf-16"), "application/json", 400, "body_unreadable"),
        (b'{"name": "x"}', "text/plain", 415, "unsupported_media_type"),
        (b"", "application/json", 422, "body_missing"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    sample: Sample, content: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {**sample.bearer(OfficerRole.LISTER), "Content-Type": content_type}
    answer = await sample.client.post("/v1/forms", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_surrogate_pair_is_one_character_and_is_read(sample: Sample) -> None:
    headers = {**sample.bearer(OfficerRole.LISTER), "Content-Type": "application/json"}
    content = b'{"name": "\\ud842\\udfb7", "decided_on": "2026-01-05"}'
    answer = await sample.client.post("/v1/forms", content=content, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_rejection_with_a_thousand_faults_lists_a_hundred_and_counts_all(sample: Sample) -> None:
    answer = await sample.client.post("/v1/forms/thousand", headers=sample.bearer(OfficerRole.LISTER))
    body = answer.json()
    assert (len(body["faults"]), body["title"]) == (100, "提交内容有 1000 处错误")


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(sample: Sample) -> None:
    unknown = await sample.client.get("/v1/nowhere")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_route")
    wrong = await sample.client.delete("/v1/me", headers=ENGLISH)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"
    assert wrong.json()["detail"] == "This address accepts: GET."


async def test_an_unexpected_error_shows_no_internals_and_is_logged_with_its_correlation_id(
    sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await sample.client.get("/v1/bug", headers={"X-Correlation-Id": "case-7"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"] == "case-7"
    assert "KeyError" not in answer.text
    assert NUMBER not in answer.text
    assert "failure in GET /v1/bug (correlation case-7)" in caplog.text


async def test_an_unreachable_database_asks_to_come_back_later(sample: Sample) -> None:
    answer = await sample.client.get("/v1/no-database")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/v1/nul", 422, "text_not_storable"),
        ("/v1/cut-off", 503, "unavailable"),
        ("/v1/too-long", 503, "unavailable"),
        ("/v1/wrong-statement", 500, "internal_error"),
        ("/v1/wrong-argument", 500, "internal_error"),
    ],
)
async def test_outages_programming_errors_and_unstorable_text_have_different_answers(
    sample: Sample, stack: Addresses, address: str, status: int, code: str
) -> None:
    engine = connect(stack.database_url)
    try:
        add_database_routes(sample.app, engine)
        answer = await sample.client.get(address)
    finally:
        await engine.dispose()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "SELECT" not in answer.text


def test_one_fault_is_rendered_in_one_line_for_a_reject_file() -> None:
    wording = Wording.load([WORDING])
    fault = Fault("credit_code_length", "subject.number", {"length": 15})
    assert wording.render(fault, Language.EN) == (
        "subject.number: A unified social credit code has 18 characters; this has 15. "
        "Enter the whole code as on the licence or certificate."
    )
    assert wording.render(fault, Language.ZH).startswith("subject.number: 统一社会信用代码应为 18 位，提交的为 15 位。")
