"""What each clause of the five documents brings, resolved by the registry's own rules against the law book that ships.

`CASES` has at least one case for each clause that states a measure: who is listed, and which measures of the clause follow, each
at one of its departments. A case names all measures of its clause that follow; one more or one less is a fault. Clauses are
written as in docs/requirements.md: a code of the document, then its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import product

import pytest

from services.catalogue.files.shipped import shipped
from services.executor.domain.events import Hit, LinesDirected
from services.executor.domain.finding import KnownLine, find
from services.executor.domain.task import TaskState
from services.registry.domain.law import law_on
from services.registry.domain.resolution import FileContext, Resolution
from services.registry.domain.resolver import resolve
from shared.contracts.directory import MatterId
from shared.contracts.event import DepartmentId, DomainId, EntryId, EventId, MeasureId, ResponseId, SubjectKey
from shared.contracts.lawbook import ListKind, Measure, Role, SubjectKind, Works
from shared.contracts.listing import Entry
from shared.contracts.response import RefusalReason
from shared.lawbook.book import LawBook
from shared.lawbook.regions import governs
from tests.builders import a_subject, an_entry

SHIPPED = shipped()
BOOK = LawBook.empty().with_changes(SHIPPED.changes())
TODAY = date(2026, 3, 20)
LAW = law_on(BOOK, TODAY)

DOCUMENTS = {
    "000": ("洛政〔2017〕44号", "410300"),
    "001": ("启东市信用办 2019-09-10", "320681"),
    "002": ("牟信用〔2017〕3号", "410122"),
    "003": ("国发〔2016〕33号", "623001"),
    "004": ("濮县信用办〔2022〕12号", "410928"),
}
"""By code: the document, and the region in which it holds. 003 holds in the place that forwarded it."""

COMPANY, PERSON, BODY = SubjectKind.LEGAL, SubjectKind.PERSON, SubjectKind.OTHER
KEYS = {COMPANY: "uscc:91410300MA40000011", PERSON: "person:示例", BODY: "uscc:52410300MA40000011"}

UNREACHED = {"S000-018": "unpublished on purpose: the basis gate refuses it, and the record shows why (row 5)"}
"""Measures that no listing directs, each with the reason."""


@dataclass(frozen=True)
class Listed:
    """A subject on a list, or a person who is responsible for one."""

    list_kind: ListKind
    domain: str
    kind: SubjectKind = COMPANY
    able_but_unwilling: bool = False
    role: Role | None = None
    on_lists_of_domains: int = 1

    def __str__(self) -> str:
        words = [self.list_kind.value, self.domain, self.role.value if self.role else self.kind.value]
        words += ["able but unwilling"] if self.able_but_unwilling else []
        words += [f"on {self.on_lists_of_domains} lists"] if self.on_lists_of_domains > 1 else []
        return " ".join(words)


def red(domain: str, kind: SubjectKind = COMPANY) -> Listed:
    return Listed(ListKind.RED, domain, kind)


def black(domain: str, kind: SubjectKind = COMPANY, **more: bool | int) -> Listed:
    return replace(Listed(ListKind.BLACK, domain, kind), **more)


def unwilling(kind: SubjectKind = COMPANY) -> Listed:
    """Able to do what a judgment asks, and unwilling (有履行能力但拒不履行)."""
    return black("judgment-defaulters", kind, able_but_unwilling=True)


def responsible(role: Role, of: Listed) -> Listed:
    """A person with this role in the listed company."""
    return replace(of, role=role)


def watched(domain: str, kind: SubjectKind = COMPANY) -> Listed:
    return Listed(ListKind.WATCH, domain, kind)


@cache
def resolved(region: str, who: Listed) -> Resolution:
    entry: Entry = an_entry(
        list_kind=who.list_kind,
        domain_id=DomainId(who.domain),
        subject=a_subject(KEYS[who.kind], kind=who.kind),
        jurisdiction=region,
        able_but_unwilling=who.able_but_unwilling,
        public=False,
    )
    context = FileContext(domains_listed=who.on_lists_of_domains)
    return resolve(entry, (who.role,) if who.role else (), context, LAW, BOOK.version)


def full(clause: str) -> str:
    """`000 四(三)` as the law book cites it: `洛政〔2017〕44号 四(三)`."""
    code, place = clause.split(" ", 1)
    return f"{DOCUMENTS[code][0]} {place}"


def region_of(clause: str) -> str:
    return DOCUMENTS[clause.split(" ", 1)[0]][1]


def of_clause(clause: str, who: Listed) -> dict[Measure, set[DepartmentId]]:
    """The measures of the clause that follow, each with its departments."""
    found: dict[MeasureId, set[DepartmentId]] = {}
    measures: dict[MeasureId, Measure] = {}
    for one in resolved(region_of(clause), who).directives:
        if one.measure.clause == full(clause):
            measures[one.measure.measure_id] = one.measure
            found.setdefault(one.measure.measure_id, set()).add(one.department)
    return {measures[measure_id]: departments for measure_id, departments in found.items()}


# --- what each clause brings -----------------------------------------------------------------------------------------

REPRESENTATIVE, PRACTITIONER = Role.LEGAL_REPRESENTATIVE, Role.REGISTERED_PRACTITIONER
DIRECTOR, MANAGER, AT_FAULT = Role.DIRECTOR, Role.SENIOR_MANAGER, Role.DIRECTLY_RESPONSIBLE

_LUOYANG_ADMINISTRATIVE = {
    "列为重点监管对象": "luoyang-industry-commerce",
    "从严审核行政许可审批项目": "luoyang-development-reform",
    "从严控制生产许可证发放": "luoyang-quality-supervision",
    "限制新增项目审批": "luoyang-development-reform",
    "限制股票发行上市融资": "luoyang-financial-work",
    "限制从事互联网信息服务": "luoyang-publicity-department",
    "严格限制申请财政性资金项目": "luoyang-finance",
    "限制参与有关公共资源交易活动": "luoyang-finance",
}
_LUOYANG_OF_ENTERPRISES = {
    "实施市场和行业禁入措施": "luoyang-industry-commerce",
    "取消参加评先评优资格": "luoyang-civilisation-office",
}
_QIDONG_ADMINISTRATIVE = {
    "从严审核行政许可审批项目": "qidong-development-reform",
    "将严重失信主体列为重点监管对象": "qidong-market-regulation",
    "从严控制生产许可证发放": "qidong-market-regulation",
    "限制新增项目审批": "qidong-development-reform",
    "限制发起设立或参股金融机构": "qidong-financial-regulation",
    "限制从事互联网信息服务": "qidong-market-regulation",
    "严格限制申请财政性资金项目": "qidong-finance",
    "限制参与有关公共资源交易活动": "qidong-resource-trading",
    "限制参与基础设施和公用事业特许经营": "qidong-housing-construction",
}
_QIDONG_OF_ENTERPRISES = {
    "实施市场和行业禁入措施": "qidong-market-regulation",
    "取消参加评先评优资格": "qidong-market-regulation",
}
_STATE_ADMINISTRATIVE = {
    "列为重点监管对象": "hezuo-market-regulation",
    "从严审核行政许可审批项目": "hezuo-development-reform",
    "从严控制生产许可证发放": "hezuo-market-regulation",
    "限制新增项目审批": "hezuo-development-reform",
    "限制股票发行上市融资": "hezuo-development-reform",
    "限制在全国股份转让系统挂牌": "hezuo-development-reform",
    "限制发起设立或参股金融机构": "hezuo-development-reform",
    "限制从事互联网信息服务": "hezuo-market-regulation",
    "严格限制申请财政性资金项目": "hezuo-development-reform",
    "限制参与有关公共资源交易活动": "hezuo-development-reform",
    "限制参与基础设施和公用事业特许经营": "hezuo-development-reform",
}
_STATE_OF_ENTERPRISES = {
    "实施市场和行业禁入措施": "hezuo-market-regulation",
    "取消参加评先评优资格": "hezuo-market-regulation",
}
_PUYANG_BLACK = {
    "公共资源交易活动": "puyang-county-finance",
    "市场和行业禁入": "puyang-county-market-regulation",
    "特许经营活动": "puyang-county-credit-office",
    "限制高消费行为": "puyang-county-market-regulation",
    "限制享受财政资金补助": "puyang-county-finance",
    "限制参加国家机关组织的各类表彰奖励活动": "puyang-county-credit-office",
    "撤销相关荣誉称号": "puyang-county-credit-office",
}

CASES: list[tuple[str, Listed, Mapping[str, str]]] = [
    # 000: Luoyang, rewards
    (
        "000 三(二)",
        red("tax"),
        {
            "优良信用信息": "luoyang-development-reform",
            "重点推介诚信企业": "luoyang-commerce",
            "诚信“红榜”": "luoyang-civilisation-office",
        },
    ),
    ("000 三(二)", red("integrity-models", PERSON), {"诚信“红榜”": "luoyang-civilisation-office"}),
    ("000 三(三)", red("tax"), {"“税易贷”": "luoyang-financial-institutions"}),
    (
        "000 三(三)1",
        red("integrity-models", PERSON),
        {"“绿色通道”": "luoyang-development-reform", "“容缺受理”": "luoyang-development-reform"},
    ),
    ("000 三(三)2", red("customs"), {"财政性资金补助": "luoyang-finance", "政府采购": "luoyang-finance"}),
    ("000 三(三)2", red("integrity-models", PERSON), {"诚信个人": "luoyang-education"}),
    (
        "000 三(三)3",
        red("quality-honours"),
        {"优化抽查频次": "luoyang-quality-supervision", "信用分类监管": "luoyang-industry-commerce"},
    ),
    ("000 三(三)4", red("work-safety"), {"授信融资": "luoyang-financial-institutions"}),
    # 000: Luoyang, punishments
    ("000 四(二)", black("wage-arrears"), {**_LUOYANG_ADMINISTRATIVE, **_LUOYANG_OF_ENTERPRISES}),
    ("000 四(二)", black("judgment-defaulters", PERSON), _LUOYANG_ADMINISTRATIVE),
    (
        "000 四(二)",
        black("tax", on_lists_of_domains=2),
        {
            **_LUOYANG_ADMINISTRATIVE,
            **_LUOYANG_OF_ENTERPRISES,
            "限制参与基础设施和公用事业特许经营": "luoyang-housing-construction",
        },
    ),
    ("000 四(二)", responsible(REPRESENTATIVE, black("tax")), _LUOYANG_OF_ENTERPRISES),
    (
        "000 四(二)",
        responsible(PRACTITIONER, black("construction-quality")),
        {"实施市场和行业禁入措施": "luoyang-industry-commerce"},
    ),
    ("000 四(二)", responsible(DIRECTOR, black("tax")), {"取消参加评先评优资格": "luoyang-civilisation-office"}),
    (
        "000 四(三)",
        unwilling(),
        {
            "及时公开披露相关信息": "luoyang-industry-commerce",
            "限制出境": "luoyang-exit-entry",
            "限制购买不动产": "luoyang-court",
            "支持征信机构采集": "luoyang-credit-reporting",
            "限制提供贷款": "luoyang-financial-institutions",
        },
    ),
    (
        "000 四(三)",
        unwilling(PERSON),
        {
            "限制出境": "luoyang-exit-entry",
            "限制购买不动产": "luoyang-court",
            "支持征信机构采集": "luoyang-credit-reporting",
            "限制提供贷款": "luoyang-financial-institutions",
        },
    ),
    (
        "000 四(三)",
        black("judgment-defaulters"),
        {
            "及时公开披露相关信息": "luoyang-industry-commerce",
            "支持征信机构采集": "luoyang-credit-reporting",
            "限制提供贷款": "luoyang-financial-institutions",
        },
    ),
    (
        "000 四(三)",
        responsible(REPRESENTATIVE, unwilling()),
        {"限制出境": "luoyang-exit-entry", "限制购买不动产": "luoyang-court"},
    ),
    (
        "000 四(四)",
        black("work-safety"),
        {"记入会员信用档案": "luoyang-associations", "行业内通报批评": "luoyang-associations"},
    ),
    (
        "000 四(五)",
        black("environment"),
        {
            "鼓励公众举报": "luoyang-social-organisations",
            "提起公益诉讼": "luoyang-social-organisations",
            "支持各类媒体": "luoyang-media",
        },
    ),
    ("000 四(五)", black("tax"), {"鼓励公众举报": "luoyang-social-organisations", "支持各类媒体": "luoyang-media"}),
    ("000 四(六)", responsible(AT_FAULT, black("work-safety")), {"个人信用记录": "luoyang-development-reform"}),
    # 001: Qidong, rewards
    ("001 二(一)2", red("integrity-models", PERSON), {'"绿色通道"': "qidong-administrative-approval"}),
    (
        "001 二(一)3",
        red("integrity-models"),
        {"优先考虑诚信市场主体": "qidong-finance", "信用加分": "qidong-resource-trading"},
    ),
    ("001 二(一)3", red("integrity-models", PERSON), {"对诚信个人给予重点支持": "qidong-education-sports"}),
    ("001 二(一)4", red("tax"), {"检查频次": "qidong-emergency-management"}),
    (
        "001 二(一)5",
        red("tax"),
        {
            "优良信用信息": "qidong-publicity-department",
            "重点推介诚信企业": "qidong-development-reform",
            "激励性评分": "qidong-credit-reporting",
        },
    ),
    # 001: Qidong, punishments
    ("001 二(二)7", black("illegal-building"), {**_QIDONG_ADMINISTRATIVE, **_QIDONG_OF_ENTERPRISES}),
    ("001 二(二)7", black("national-defence", PERSON), _QIDONG_ADMINISTRATIVE),
    ("001 二(二)7", responsible(REPRESENTATIVE, black("tax")), _QIDONG_OF_ENTERPRISES),
    (
        "001 二(二)8",
        unwilling(),
        {
            "限制出境和限制购买不动产": "qidong-natural-resources",
            "及时公开披露": "qidong-market-regulation",
            "提请采取限制乘坐飞机": "qidong-development-reform",
            "提高贷款利率": "qidong-financial-institutions",
            "支持征信机构采集": "qidong-credit-reporting",
        },
    ),
    (
        "001 二(二)8",
        black("tax", PERSON),
        {"提高贷款利率": "qidong-financial-institutions", "支持征信机构采集": "qidong-credit-reporting"},
    ),
    (
        "001 二(二)8",
        responsible(REPRESENTATIVE, unwilling()),
        {
            "限制出境和限制购买不动产": "qidong-natural-resources",
            "提请采取限制乘坐飞机": "qidong-development-reform",
        },
    ),
    (
        "001 二(二)9",
        black("tax"),
        {"会员信用档案": "qidong-associations", "行业内通报批评": "qidong-associations"},
    ),
    (
        "001 二(二)10",
        black("environment"),
        {"鼓励公众举报": "qidong-ecology-environment", "提起公益诉讼": "qidong-social-organisations"},
    ),
    ("001 二(二)11", responsible(AT_FAULT, black("environment")), {"个人信用档案": "qidong-development-reform"}),
    # 002: Zhongmu, rewards
    ("002 四(二)", red("integrity-models", PERSON), {"诚信“红榜”": "zhongmu-education"}),
    ("002 四(三)", red("tax"), {"“容缺受理”": "zhongmu-industry-commerce-quality"}),
    ("002 四(四)", red("tax"), {"检查频次": "zhongmu-industry-commerce-quality"}),
    (
        "002 四(五)",
        red("tax"),
        {"优先考虑诚信主体": "zhongmu-development-reform", "信用加分": "zhongmu-development-reform"},
    ),
    (
        "002 四(五)",
        red("integrity-models", PERSON),
        {"优先满足诚信个人需要": "zhongmu-education", "优先考虑诚信主体": "zhongmu-development-reform"},
    ),
    ("002 四(六)", red("tax"), {"优惠和便利": "zhongmu-financial-institutions"}),
    ("002 四(七)", red("integrity-models", PERSON), {"文化消费": "zhongmu-development-reform"}),
    # 002: Zhongmu, punishments
    ("002 五(二)", black("tax"), {"列为重点监管对象": "zhongmu-state-tax"}),
    ("002 五(二)1", black("tax"), {"从严审核行政许可事项": "zhongmu-development-reform"}),
    ("002 五(二)2", black("work-safety"), {"严格限制申请财政性资金项目": "zhongmu-development-reform"}),
    ("002 五(二)3", black("enterprise-registration"), {"禁入": "zhongmu-industry-commerce-quality"}),
    ("002 五(二)3", responsible(PRACTITIONER, black("tax")), {"禁入": "zhongmu-industry-commerce-quality"}),
    ("002 五(二)4", black("enterprise-registration"), {"取消参加评先评优资格": "zhongmu-education"}),
    ("002 五(二)4", responsible(MANAGER, black("tax")), {"取消参加评先评优资格": "zhongmu-education"}),
    ("002 五(三)", black("tax"), {"及时公开披露": "zhongmu-development-reform"}),
    ("002 五(三)1", unwilling(PERSON), {"限制出境": "zhongmu-public-security"}),
    ("002 五(三)1", responsible(REPRESENTATIVE, unwilling()), {"限制出境": "zhongmu-public-security"}),
    ("002 五(三)2", black("tax"), {"支持征信机构采集": "zhongmu-credit-reporting"}),
    ("002 五(三)3", black("tax"), {"提高贷款利率": "zhongmu-financial-institutions"}),
    ("002 五(四)1", black("tax"), {"会员信用档案": "zhongmu-associations"}),
    ("002 五(四)3", black("tax"), {"行业内通报批评": "zhongmu-associations"}),
    (
        "002 五(五)",
        black("enterprise-registration"),
        {
            "鼓励公众举报": "zhongmu-social-organisations",
            "提起公益诉讼": "zhongmu-social-organisations",
            "支持各类媒体": "zhongmu-media",
        },
    ),
    # 003: the State Council, as Hezuo forwarded it, rewards
    (
        "003 (四)",
        red("integrity-models", PERSON),
        {"“绿色通道”": "hezuo-development-reform", "应先行受理": "hezuo-development-reform"},
    ),
    (
        "003 (五)",
        red("tax"),
        {"优先考虑诚信市场主体": "hezuo-development-reform", "信用加分": "hezuo-development-reform"},
    ),
    ("003 (五)", red("integrity-models", PERSON), {"诚信个人": "hezuo-development-reform"}),
    ("003 (六)", red("work-safety"), {"检查频次": "hezuo-market-regulation"}),
    (
        "003 (七)",
        red("tax"),
        {"“税易贷”": "hezuo-financial-institutions", "优惠和便利": "hezuo-financial-institutions"},
    ),
    (
        "003 (八)",
        red("tax"),
        {
            "优良信用信息": "hezuo-tax",
            "重点推介诚信企业": "hezuo-development-reform",
            "激励性评分": "hezuo-credit-reporting",
        },
    ),
    # 003: the State Council, punishments
    ("003 (十)", black("food-safety"), {**_STATE_ADMINISTRATIVE, **_STATE_OF_ENTERPRISES}),
    ("003 (十)", black("judgment-defaulters", PERSON), _STATE_ADMINISTRATIVE),
    ("003 (十)", responsible(REPRESENTATIVE, black("tax")), _STATE_OF_ENTERPRISES),
    (
        "003 (十一)",
        unwilling(),
        {
            "限制出境和限制购买不动产": "hezuo-court",
            "及时公开披露": "hezuo-market-regulation",
            "支持征信机构采集": "hezuo-credit-reporting",
            "提高贷款利率": "hezuo-financial-institutions",
        },
    ),
    ("003 (十一)", responsible(REPRESENTATIVE, unwilling()), {"限制出境和限制购买不动产": "hezuo-court"}),
    (
        "003 (十二)",
        black("tax"),
        {"记入会员信用档案": "hezuo-associations", "行业内通报批评": "hezuo-associations"},
    ),
    (
        "003 (十三)",
        black("drug-trade"),
        {"鼓励公众举报": "hezuo-social-organisations", "提起公益诉讼": "hezuo-social-organisations"},
    ),
    ("003 (十四)", responsible(AT_FAULT, black("tax")), {"个人信用记录": "hezuo-development-reform"}),
    # 004: Puyang county
    (
        "004 三(一)",
        red("tax"),
        {
            "向社会进行推介": "puyang-county-credit-office",
            "“绿色通道”": "puyang-county-market-regulation",
            "重点支持和优先便利": "puyang-county-finance",
            "检查频次": "puyang-county-market-regulation",
        },
    ),
    (
        "004 三(二)1",
        watched("work-safety"),
        {
            "重点审查对象": "puyang-county-market-regulation",
            "取消已享受的行政便利措施": "puyang-county-credit-office",
            "重点监督检查对象": "puyang-county-market-regulation",
        },
    ),
    ("004 三(二)2", black("enterprise-registration"), _PUYANG_BLACK),
    (
        "004 三(二)2",
        black("judgment-defaulters", PERSON),
        {**_PUYANG_BLACK, "限制任职资格": "puyang-county-market-regulation"},
    ),
    (
        "004 三(二)2",
        responsible(REPRESENTATIVE, black("tax")),
        {"限制任职资格": "puyang-county-market-regulation"},
    ),
    (
        "004 三(三)",
        red("tax"),
        {"增加交易机会": "puyang-county-market-entities", "提升会员级别": "puyang-county-associations"},
    ),
    (
        "004 三(三)",
        black("tax"),
        {"提高保证金": "puyang-county-market-entities", "业内警告": "puyang-county-associations"},
    ),
    (
        "004 三(四)",
        black("enterprise-registration"),
        {
            "举报企业严重失信行为": "puyang-county-social-organisations",
            "提起公益诉讼": "puyang-county-social-organisations",
        },
    ),
    ("004 三(五)", black("credit-loan"), {"不再享受": "puyang-county-financial-institutions"}),
]


@pytest.mark.parametrize(
    ("clause", "who", "expected"), [pytest.param(*case, id=f"{case[0]} {case[1]}") for case in CASES]
)
def test_a_listing_brings_what_the_clause_says_and_nothing_else_of_it(
    clause: str, who: Listed, expected: Mapping[str, str]
) -> None:
    found = of_clause(clause, who)
    missing = {words for words in expected if not any(words in measure.text_zh for measure in found)}
    assert not missing
    for measure, departments in found.items():
        [department] = {expected[words] for words in expected if words in measure.text_zh} or {None}
        assert department in departments, f"{measure.measure_id} {measure.text_zh}: {departments}"


def test_every_clause_that_states_a_measure_has_a_case() -> None:
    assert {full(clause) for clause, _, _ in CASES} == {measure.clause for measure in SHIPPED.measures}


# --- every measure ---------------------------------------------------------------------------------------------------


def everyone_who_can_be_listed(region: str) -> Iterator[Listed]:
    """By every lister of the place: every list, kind of subject and role; able but unwilling, on the lists of two domains."""
    for domain in BOOK.domains.values():
        if any(BOOK.departments[lister].region == region for lister in domain.may_list):
            for list_kind, kind, role in product(domain.lists, SubjectKind, (None, *Role)):
                yield Listed(
                    list_kind, domain.domain_id, kind, able_but_unwilling=True, role=role, on_lists_of_domains=2
                )


def test_every_measure_is_reached_by_a_listing_of_its_place_or_is_named_with_the_reason_why_not() -> None:
    reached = {
        one.measure.measure_id
        for _, region in DOCUMENTS.values()
        for who in everyone_who_can_be_listed(region)
        for one in resolved(region, who).directives
    }
    assert {measure.measure_id for measure in SHIPPED.measures} - reached == set(UNREACHED)


def test_the_unpublished_measure_is_refused_with_its_reason() -> None:
    refusals = resolved("410300", black("tax")).refusals
    assert {(r.measure.measure_id, r.reason) for r in refusals} == {("S000-018", RefusalReason.UNPUBLISHED)}


# --- whom the words name ---------------------------------------------------------------------------------------------


def aimed_at(words: str) -> set[MeasureId]:
    """The measures whose document names these as the subjects (对象)."""
    return {measure.measure_id for measure in SHIPPED.measures if words in measure.source.split("；实施")[0]}


def targeting(**conditions: object) -> set[MeasureId]:
    return {
        measure.measure_id
        for measure in SHIPPED.measures
        if all(getattr(measure.target, name) == value for name, value in conditions.items())
    }


def test_only_measures_for_the_able_but_unwilling_need_that_flag() -> None:
    assert targeting(able_but_unwilling=True) == aimed_at("有履行能力但拒不履行")


def test_only_measures_for_three_years_without_a_bad_record_reach_subjects_without_an_entry() -> None:
    assert targeting(clean_record_years=3) == aimed_at("连续三年无不良信用记录")


def test_measures_for_individuals_reach_natural_persons_only() -> None:
    posts = {MeasureId("S004-126")}  # 任职资格: only natural persons hold posts
    assert targeting(subject_kinds=(PERSON,)) == aimed_at("：诚信个人") | aimed_at("较高的个人") | posts


@pytest.mark.parametrize(
    "words", ["失信企业", "：企业", "违约企业", "：符合一定条件的诚信企业", "：符合条件的诚信企业"]
)
def test_measures_for_enterprises_reach_no_natural_person(words: str) -> None:
    assert aimed_at(words)
    assert aimed_at(words) <= targeting(subject_kinds=(COMPANY,))


@pytest.mark.parametrize("code", DOCUMENTS)
def test_what_is_published_by_credit_code_names_no_natural_person(code: str) -> None:
    """以统一社会信用代码为索引，及时公开披露相关信息."""
    disclosing = [m for m in SHIPPED.measures if "公开披露" in m.text_zh and m.clause.startswith(DOCUMENTS[code][0])]
    assert len(disclosing) == (0 if code == "004" else 1)
    assert all(measure.target.subject_kinds == (COMPANY, BODY) for measure in disclosing)


def test_more_on_the_lists_of_two_domains_is_for_enterprises_only() -> None:
    """000 五(六): 对同时被纳入两个及以上领域黑名单的严重失信企业加大联合惩戒力度."""
    [stronger] = [measure for measure in SHIPPED.measures if measure.target.distinct_domains > 1]
    for kind, expected in ((COMPANY, True), (PERSON, False), (BODY, False)):
        found = of_clause("000 四(二)", black("tax", kind, on_lists_of_domains=2))
        assert (stronger.measure_id in {measure.measure_id for measure in found}) is expected


@pytest.mark.parametrize(
    ("clause", "who", "words"),
    [
        pytest.param("000 四(三)", black("judgment-defaulters"), "限制出境", id="not unwilling"),
        pytest.param("000 四(五)", black("judgment-defaulters"), "公益诉讼", id="no tort against many"),
        pytest.param("001 二(二)10", black("tax"), "公益诉讼", id="no tort against many in Qidong"),
        pytest.param(
            "000 四(二)", responsible(Role.SHAREHOLDER, black("tax")), "禁入", id="a shareholder is not banned"
        ),
        pytest.param("004 三(二)1", black("tax"), "重点审查对象", id="black, not below the threshold"),
        pytest.param("004 三(五)", black("tax"), "不再享受", id="no default on a credit loan"),
    ],
)
def test_what_a_clause_does_not_say_does_not_follow(clause: str, who: Listed, words: str) -> None:
    assert not [measure for measure in of_clause(clause, who) if words in measure.text_zh]


# --- acts that the documents name ------------------------------------------------------------------------------------

IN_THREE = {
    "work-safety": "class 1: health and life",
    "food-safety": "class 1: health and life",
    "construction-quality": "class 1: health and life",
    "tax": "class 2: fair competition and public order",
    "wage-arrears": "class 2: fair competition and public order",
    "judgment-defaulters": "class 3: refusal of duties that a judgment or decision lays down",
    "national-defence": "class 4: refusal of duties of national defence",
}


@pytest.mark.parametrize("domain", IN_THREE)
@pytest.mark.parametrize("clause", ["000 四(二)", "001 二(二)7", "003 (十)"])
def test_each_class_of_serious_acts_puts_its_subjects_under_key_supervision(clause: str, domain: str) -> None:
    """000 四(一), 001 二(二)6 and 003 (九) name four classes."""
    assert any("重点监管对象" in measure.text_zh for measure in of_clause(clause, black(domain)))


@pytest.mark.parametrize("domain", ["illegal-building", "illegal-traffic"])
def test_acts_that_only_qidong_names_bring_measures_there_and_not_in_luoyang_or_hezuo(domain: str) -> None:
    assert of_clause("001 二(二)7", black(domain))
    assert not resolved("410300", black(domain)).directives
    assert not resolved("623001", black(domain)).directives


@pytest.mark.parametrize(
    "domain",
    ["tax", "enterprise-registration", "listed-companies", "judgment-defaulters", "work-safety", "environment"],
)
def test_the_six_memoranda_that_luoyang_names_have_their_domains(domain: str) -> None:
    """000 五(六): 重大税收违法案件当事人、失信企业、违法失信上市公司、失信被执行人、安全生产、环境保护."""
    assert of_clause("000 四(二)", black(domain))


# --- checks ----------------------------------------------------------------------------------------------------------


def hits(region: str, who: Listed, department: str, matter: str) -> tuple[Hit, ...]:
    """What a check by this department finds when nothing has been answered yet."""
    subject = a_subject(KEYS[PERSON if who.role else who.kind])
    known = [
        KnownLine(
            direction=LinesDirected(
                response_id=ResponseId(f"示例-{one.measure.measure_id}"),
                entry_id=EntryId("示例"),
                department=one.department,
                subject=subject.key,
                of=subject,
                list_kind=who.list_kind,
                domain_id=DomainId(who.domain),
                entry_subject=SubjectKey(KEYS[who.kind]),
                jurisdiction=region,
                until=None,
                lawbook_version=BOOK.version,
                list_event_id=EventId("示例"),
                directed_at=datetime(2026, 3, 2, tzinfo=UTC),
                lines=(one.line,),
                due=(None,),
            ),
            line=one.line,
            state=TaskState.DIRECTED,
            suspended=False,
            ended=False,
        )
        for one in resolved(region, who).directives
    ]
    return find(known, DepartmentId(department), matter, BOOK, TODAY).hits


@pytest.mark.parametrize(
    ("clause", "who", "department"),
    [
        ("000 四(二)", responsible(REPRESENTATIVE, black("tax")), "luoyang-civilisation-office"),
        ("000 四(二)", black("tax"), "luoyang-civilisation-office"),
        ("001 二(二)7", responsible(DIRECTOR, black("tax")), "qidong-market-regulation"),
        ("002 五(二)4", responsible(MANAGER, black("tax")), "zhongmu-education"),
        ("003 (十)", black("tax"), "hezuo-market-regulation"),
        ("004 三(二)2", black("tax"), "puyang-county-credit-office"),
    ],
    ids=str,
)
def test_a_subject_barred_from_awards_is_found_when_awards_are_given(clause: str, who: Listed, department: str) -> None:
    """取消参加评先评优资格 is met again at each award, also when the honours were withdrawn long ago."""
    found = hits(region_of(clause), who, department, "honours")
    assert [measure.clause for hit in found if (measure := BOOK.measure(MeasureId(hit.measure_id)))] == [full(clause)]


@pytest.mark.parametrize("code", ["000", "001", "002", "003"])
def test_a_subject_barred_from_associations_is_found_when_they_admit_members(code: str) -> None:
    """不予接纳 (000 四(四), 001 9, 002 五(四)3, 003 (十二))."""
    [measure] = [m for m in SHIPPED.measures if "不予接纳" in m.text_zh and m.clause.startswith(DOCUMENTS[code][0])]
    assert measure.works is Works.ACT_AND_OCCASION
    region = DOCUMENTS[code][1]
    associations = {one.department_id for one in BOOK.implementers_of(measure, region)}
    [hit] = hits(region, black("tax"), associations.pop(), "association-admission")
    assert (hit.measure_id, hit.must) == (measure.measure_id, False)


NOBODY_CHECKS = {"flights-and-trains"}
"""Matters that no body of a place handles: airlines and railways do, and the documents name none."""


@pytest.mark.parametrize("measure", [m for m in SHIPPED.measures if m.matters], ids=lambda m: m.measure_id)
def test_a_body_that_carries_a_measure_out_handles_each_of_its_matters(measure: Measure) -> None:
    """Otherwise no check would find the measure when the subject applies for something (应查必查, 奖惩到位)."""
    instrument = BOOK.instrument(measure.instrument_id)
    assert instrument is not None
    carry_out = {one.department_id for one in BOOK.implementers_of(measure, instrument.region)}
    for matter_id in set(measure.matters) - NOBODY_CHECKS:
        assert carry_out & set(BOOK.checked_by(BOOK.matters[MatterId(matter_id)], instrument.region)), matter_id


@pytest.mark.parametrize("region", [region for _, region in DOCUMENTS.values()])
def test_no_body_of_another_region_handles_a_matter(region: str) -> None:
    handling = {d for matter in BOOK.matters.values() for d in BOOK.checked_by(matter, region)}
    assert handling
    assert all(governs(BOOK.departments[d].region, region) for d in handling)


def test_measures_that_wait_for_an_occasion_name_their_matters() -> None:
    waiting = [m for m in SHIPPED.measures if m.works in (Works.OCCASION, Works.ACT_AND_OCCASION)]
    assert all(measure.matters for measure in waiting)
    assert all(
        measure.works in (Works.OCCASION, Works.ACT_AND_OCCASION) for measure in SHIPPED.measures if measure.matters
    )
