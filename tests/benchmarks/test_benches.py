"""The benches run: a small run of some of them gives complete figures. No time is asserted."""

import orjson
import pytest

from benchmarks import append_batched, memory, rebuild, report
from benchmarks.figures import AtLeast, AtMost, Figure, Turn
from benchmarks.sandbox import Servers, sandbox
from benchmarks.scale import Scale
from tests.stacks import Addresses


async def test_a_bench_measures_its_work_and_the_bare_operation(stack: Addresses) -> None:
    async with sandbox(Servers(stack.database_url, stack.kafka, "")) as made:
        against_bare, against_library = await append_batched.run(made, Scale.QUICK)
    for figure in (against_bare, against_library):
        assert all(turn.measured > 0 and turn.bare > 0 for turn in figure.turns)
        assert figure.bar is not None and figure.met is not None


def test_the_ratio_is_the_median_of_the_turns_so_that_one_bad_turn_does_not_decide() -> None:
    turns = (Turn(100, 100), Turn(10, 100), Turn(90, 100))
    assert Figure("b", "work", "1/s", turns, "bare", AtLeast(0.9)).ratio == pytest.approx(0.9)


def test_a_rate_has_to_reach_its_bar_and_a_duration_must_not_pass_it() -> None:
    assert AtLeast(0.6).met(0.6) and not AtLeast(0.6).met(0.59)
    assert AtMost(4).met(4) and not AtMost(4).met(4.1)


def test_a_run_is_written_with_the_machine_that_it_ran_on(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    figure = Figure("b", "work", "1/s", (Turn(1, 2),), "bare", AtLeast(0.6))
    run = orjson.loads(report.save([figure], "quick", {"cores": 2}, ["b"]).read_bytes())
    assert run["machine"] == {"cores": 2}
    assert run["figures"][0]["ratio"] == 0.5 and run["figures"][0]["met"] is False


def test_every_target_has_a_verdict_even_if_no_bench_measures_it() -> None:
    figure = Figure("relay", "work", "1/s", (Turn(1, 2),), "bare", AtLeast(1))
    verdicts = {
        (target.bench, target.bar): result
        for target, _, result in report.verdict([figure], ["relay", "loop", "latency"])
    }
    assert len(verdicts) == len(report.TARGETS)
    assert verdicts["relay", "≥ 1 ×"] == "missed"
    assert verdicts["loop", "≥ 0.6 ×"] == "not run"
    assert verdicts["check_batch", "≥ 10 ×"] == "not built"


async def test_a_whole_rebuild_and_its_memory_are_measured(stack: Addresses) -> None:
    async with sandbox(Servers(stack.database_url, stack.kafka, "")) as made:
        figures = await rebuild.run(made, Scale.QUICK)
    assert [str(figure.bar or "") for figure in figures] == ["≥ 10 ×", "", "≤ 1.2 ×"]
    assert all(turn.measured > 0 and turn.bare > 0 for figure in figures for turn in figure.turns)


async def test_memory_of_this_process_and_of_the_servers_is_measured(stack: Addresses) -> None:
    async with memory.watched(Servers(stack.database_url, stack.kafka, "")) as watch:
        pass
    assert watch.peaks[memory.PARENT] > 0
