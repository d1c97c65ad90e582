"""What a sweep shows of its jobs."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from seqlab.run.sweep_jobs import Job, Objective, State, short
from seqlab.run.sweep_screen import Screen, command, duration, ranked, results_table

SCORE = Objective("val/score", "max")


def job(state: State, value: float | None, seconds: float = 0.0, **varied: str) -> Job:
    overrides = tuple(f"{key}={word}" for key, word in varied.items())
    made = Job(overrides, varied, Path("sweep"))
    made.state, made.value, made.seconds = state, value, seconds
    return made


def test_done_before_pruned_before_the_rest_each_best_first() -> None:
    jobs = [
        job(State.FAILED, 9.0, x="f"),
        job(State.PRUNED, 8.0, x="p"),
        job(State.DONE, None, x="n"),
        job(State.DONE, 1.0, x="a"),
        job(State.DONE, 2.0, x="b"),
    ]
    assert [each.varied["x"] for each in ranked(jobs, SCORE)] == ["b", "a", "n", "p", "f"]


def test_time_left_is_the_mean_of_what_ran_shared_by_the_jobs_at_once() -> None:
    screen = Screen(Console(file=io.StringIO()), io.StringIO(), 7, 2, SCORE)
    assert screen.time_left() is None
    screen.ended(job(State.DONE, 1.0, seconds=0.0), skipped=True)
    assert screen.time_left() is None  # a job of an earlier call took no time now
    screen.ended(job(State.DONE, 1.0, seconds=10.0), skipped=False)
    screen.ended(job(State.DONE, 1.0, seconds=30.0), skipped=False)
    assert screen.time_left() == pytest.approx(20.0 * 4 / 2)


def test_lines_are_on_the_screen_and_in_the_log() -> None:
    shown, kept = io.StringIO(), io.StringIO()
    screen = Screen(Console(file=shown, width=80), kept, 2, 1, SCORE)
    screen.ended(job(State.DONE, 0.25, 75.0, lr="0.00031622776601683794"), skipped=False)
    assert "[1/2] done  lr=0.0003162  val/score 0.25  1m15s" in shown.getvalue()
    assert kept.getvalue() == shown.getvalue()


def test_the_table_has_what_varies() -> None:
    text = io.StringIO()
    table = results_table([job(State.DONE, 0.5, 3.0, a="x", b="1"), job(State.FAILED, None)], SCORE)
    Console(file=text, width=120).print(table)
    header, first = (
        line for line in text.getvalue().splitlines() if "val/score ┃" in line or "x" in line
    )
    assert header.split() == [
        "┃",
        "┃",
        "val/score",
        "┃",
        "a",
        "┃",
        "b",
        "┃",
        "time",
        "┃",
        "state",
        "┃",
        "directory",
        "┃",
    ]
    assert first.split("│")[2:7] == ["       0.5 ", " x ", " 1 ", "   3s ", " done   "]


def test_words_for_people() -> None:
    assert [duration(s) for s in (47.6, 200, 7500)] == ["48s", "3m20s", "2h05m"]
    assert [short(t) for t in ("0.001", "0.123456789", "additive", "12345678")] == [
        "0.001",
        "0.1235",
        "additive",
        "12345678",
    ]
    assert command(job(State.DONE, 1.0, x="[1, 2]")) == "seqlab train 'x=[1, 2]'"
