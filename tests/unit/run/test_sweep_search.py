"""Grid and Optuna: what is proposed, what is pruned, and how a stopped search goes on."""

import math
import statistics
from collections.abc import Mapping
from pathlib import Path

import pytest

from seqlab.run.sweep_jobs import Job, Objective, State
from seqlab.run.sweep_search import GridSweep, OptunaSearch, OptunaSweep
from seqlab.run.sweep_space import Space, split

SCORE = Objective("val/score", "max")


def space_of(*overrides: str) -> Space:
    return split(overrides, lambda group: ())[0]


def settings(**changes: object) -> OptunaSweep:
    values = {
        "name": None,
        "metric": None,
        "mode": None,
        "retries": 1,
        "sampler": "tpe",
        "num_trials": 12,
        "num_startup_trials": 5,
        "seed": 1,
        "pruner": "median",
        "min_epochs": 2,
        "min_trials": 3,
    }
    return OptunaSweep(**{**values, **changes})


def open_search(
    folder: Path, space: Space, sweep: OptunaSweep, jobs: dict[str, Job] | None = None
) -> OptunaSearch:
    jobs = {} if jobs is None else jobs

    def make_job(choice: Mapping[str, str]) -> Job:
        job = Job(space.overrides(choice), dict(choice), folder)
        return jobs.setdefault(job.id, job)

    search = sweep.search(space, make_job, SCORE, folder, 10)
    assert isinstance(search, OptunaSearch)
    return search


def finish(search: OptunaSearch, job: Job, value: float) -> None:
    job.state, job.value = State.DONE, value
    search.tell(job)


def run_all(search: OptunaSearch, limit: int = 1000) -> list[str]:
    """Score the closeness of x to 0.3; gives what was proposed."""
    proposed = []
    while len(proposed) < limit and (job := search.ask()) is not None:
        proposed.append(job.varied["x"])
        finish(search, job, -((float(job.varied["x"]) - 0.3) ** 2))
    return proposed


def test_tpe_proposes_within_bounds_and_closer_than_chance(tmp_path: Path) -> None:
    space = space_of("x=interval(0,1)")
    tpe = run_all(open_search(tmp_path, space, settings(num_trials=30)))
    assert len(set(tpe)) == 30
    assert all(0 <= float(x) <= 1 for x in tpe)
    distances = [abs(float(x) - 0.3) for x in tpe]
    # A uniform draw is 0.29 from 0.3 on average.
    assert statistics.mean(distances[:5]) > 2 * statistics.mean(distances[15:])


def test_a_stopped_search_proposes_what_it_would_have(tmp_path: Path) -> None:
    space = space_of("x=interval(0,1)", "y=a,b")
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = run_all(open_search(tmp_path / "whole", space, settings()))
    first = run_all(open_search(tmp_path / "parts", space, settings()), limit=7)
    rest = run_all(open_search(tmp_path / "parts", space, settings()))
    assert first + rest == whole
    # More trials go on with the same sweep.
    more = run_all(open_search(tmp_path / "parts", space, settings(num_trials=14)))
    assert len(more) == 2


def test_trials_that_died_are_run_again_first(tmp_path: Path) -> None:
    space = space_of("x=interval(0,1)")
    search = open_search(tmp_path, space, settings())
    run_all(search, limit=3)
    dead = [search.ask(), search.ask()]
    again = open_search(tmp_path, space, settings())
    asked = [again.ask(), again.ask()]
    assert {job.id for job in asked} == {job.id for job in dead}
    for job in asked:
        finish(again, job, 0.0)
    # 3 + 2 of 12 are known.
    assert len(run_all(again)) == 7
    assert open_search(tmp_path, space, settings()).ask() is None


def test_finished_and_pruned_trials_stay_known(tmp_path: Path) -> None:
    space = space_of("x=interval(0,1)")
    search = open_search(tmp_path, space, settings(num_trials=3))
    done, pruned, failed = search.ask(), search.ask(), search.ask()
    finish(search, done, 0.5)
    pruned.state = State.PRUNED
    search.report(pruned, 1, 0.25)
    search.tell(pruned)
    failed.state = State.FAILED
    search.tell(failed)
    jobs: dict[str, Job] = {}
    later = open_search(tmp_path, space, settings(num_trials=3), jobs)
    states = {job_id: (job.state, job.value) for job_id, job in jobs.items()}
    assert states[done.id] == (State.DONE, 0.5)
    assert states[pruned.id] == (State.PRUNED, 0.25)
    assert later.ask().id == failed.id  # a failure is tried again by the next call
    assert later.ask() is None


def test_median_pruning_against_the_median_by_hand(tmp_path: Path) -> None:
    search = open_search(tmp_path, space_of("x=interval(0,1)"), settings())
    curves = [[1, 5, 6], [2, 3, 4], [3, 9, 9]]
    for curve in curves:
        job = search.ask()
        for epoch, value in enumerate(curve, start=1):
            assert not search.report(job, epoch, value)
        finish(search, job, max(curve))
    # Best so far against the median of the others' at that epoch: 5 at epoch 2.
    median = statistics.median(curve[1] for curve in curves)
    low, high = search.ask(), search.ask()
    assert not search.report(low, 1, 0)  # before min_epochs
    assert search.report(low, 2, median - 0.5)
    assert not search.report(high, 1, 0)
    assert not search.report(high, 2, median + 0.5)


@pytest.mark.parametrize(("pruner", "kind"), [("none", "Nop"), ("hyperband", "Hyperband")])
def test_other_pruners(pruner: str, kind: str) -> None:
    assert type(settings(pruner=pruner).make_pruner(9)).__name__ == f"{kind}Pruner"


def test_a_proposal_at_work_shares_its_result(tmp_path: Path) -> None:
    search = open_search(tmp_path, space_of("x=1,2"), settings(num_trials=6))
    first, second = search.ask(), search.ask()
    assert {first.varied["x"], second.varied["x"]} == {"1", "2"}
    assert search.ask() is None  # all other trials repeat one of the two
    finish(search, first, 1.0)
    finish(search, second, 2.0)
    values = [trial.value for trial in search.study.get_trials()]
    assert len(values) == 6
    assert set(values) == {1.0, 2.0}
    assert search.study.best_params == {"x": second.varied["x"]}


def test_a_result_without_a_number_is_no_result(tmp_path: Path) -> None:
    search = open_search(tmp_path, space_of("x=interval(0,1)"), settings(num_trials=1))
    job = search.ask()
    job.state, job.value = State.DONE, None
    search.tell(job)
    assert [trial.state.name for trial in search.study.get_trials()] == ["FAIL"]


def test_grid_and_problems() -> None:
    grid = GridSweep(name=None, metric=None, mode=None, retries=0)
    space = space_of("x=interval(0,1)", "y=1,2")
    assert [problem.key for problem in grid.problems(space)] == ["x"]
    assert settings().problems(space) == []
    assert [p.key for p in settings(num_trials=0).problems(space_of("y=1"))] == [
        "sweep",
        "sweep.num_trials",
    ]


def test_a_search_with_other_settings_is_another_sweep() -> None:
    space = space_of("x=interval(0,1)")
    same = settings(num_trials=99, retries=5, name="n")
    assert settings().identity(space) == same.identity(space)
    others = [settings(seed=2), settings(sampler="random"), settings(metric="m")]
    names = {sweep.identity(space) for sweep in others}
    assert len(names | {settings().identity(space)}) == 4


def test_objective_ranks_best_first_and_nothing_last() -> None:
    values = [0.2, None, 0.9, math.nan, 0.5]
    order = sorted(values[:3] + values[4:], key=SCORE.rank)
    assert order == [0.9, 0.5, 0.2, None]
    assert Objective("val/loss", "min").best([3.0, math.nan, 2.0]) == 2.0
    assert SCORE.best([math.nan]) is None
