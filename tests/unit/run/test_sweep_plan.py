"""What is decided, and refused, before the first job of a sweep starts."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import DictConfig, OmegaConf

from seqlab.config.errors import Problem, UserError
from seqlab.run import sweep_plan
from seqlab.run.sweep_plan import make_plan

TASKS = {
    "captioning": SimpleNamespace(monitor="val/cider", mode="max"),
    "translation": SimpleNamespace(monitor="val/loss", mode="min"),
}


def fake_compose(verb: str, overrides: Sequence[str]) -> DictConfig:
    """Configs as `compose` makes them, of two tasks that need not exist."""
    given = dict(override.split("=", 1) for override in overrides)
    if verb == "sweep":
        node = {
            "_target_": "seqlab.run.sweep_search.GridSweep",
            "name": given.get("sweep.name"),
            "metric": given.get("sweep.metric"),
            "mode": given.get("sweep.mode"),
            "retries": 1,
        }
        if given.get("sweep") == "tpe":
            more = {"sampler": "tpe", "num_trials": 20, "num_startup_trials": 10, "seed": 1}
            more |= {"pruner": "median", "min_epochs": 2, "min_trials": 5}
            node |= {"_target_": "seqlab.run.sweep_search.OptunaSweep", **more}
        return OmegaConf.create(
            {
                "sweep": node,
                "launcher": {"_target_": "seqlab.run.launchers.LocalLauncher"},
                "n_jobs": int(given.get("n_jobs", 1)),
                "sweep_dir": given.get("sweep_dir"),
                "paths": {"runs": given.get("paths.runs", "runs")},
            }
        )
    task = given.get("task", "captioning")
    config = OmegaConf.create(
        {
            "task": {"_target_": task},
            "allow": [],
            "choices": {"task": task, "model": given.get("model", "tell")},
            "trainer": {"max_epochs": 7},
            "given": given,
        }
    )
    if given.get("part") == "odd":
        problem = Problem(key="part", message="there is no such part")
        raise UserError([problem, *fake_validate(config)])
    return config


def fake_validate(config: DictConfig) -> list[Problem]:
    given, found = config.get("given", {}), []
    if given.get("model") == "tell" and given.get("part") == "hard":
        found.append(Problem(key="part", message="has no slot"))
    if given.get("lr") == "fast":
        found.append(Problem(key="lr", given="fast", message="is of the wrong type"))
    return found


@pytest.fixture(autouse=True)
def _without_configs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_plan, "compose", fake_compose)
    monkeypatch.setattr(sweep_plan, "validate", fake_validate)
    monkeypatch.setattr(sweep_plan, "locate", lambda target, allow: TASKS[target])


def problems(*overrides: str) -> list[tuple[str, str]]:
    with pytest.raises(UserError) as caught:
        make_plan(overrides)
    return [(problem.key, problem.message) for problem in caught.value.problems]


def test_the_same_command_means_the_same_directory(tmp_path: Path) -> None:
    runs = f"paths.runs={tmp_path}"
    first = make_plan(["lr=1,2", "a=3", runs])
    assert first.directory.parent == tmp_path / "captioning" / "tell"
    same = [
        make_plan(["a=3", runs, "lr=1,2"]),
        make_plan(["lr=choice(1,2)", "a=3", runs, "n_jobs=2", "sweep.metric=val/cider"]),
    ]
    assert {plan.directory for plan in same} == {first.directory}
    others = [
        make_plan(["lr=1,3", "a=3", runs]),
        make_plan(["lr=1,2", "a=4", runs]),
        make_plan(["lr=1,2", "a=3", runs, "sweep=tpe"]),
    ]
    assert len({first.directory, *(plan.directory for plan in others)}) == 4
    assert first.max_epochs == 7
    assert first.command == f"seqlab sweep lr=1,2 a=3 {runs}"


def test_directories_of_what_varies_and_of_names(tmp_path: Path) -> None:
    runs = f"paths.runs={tmp_path}"
    assert make_plan(["model=tell,show", "sweep.name=n", runs]).directory == (
        tmp_path / "captioning" / "sweep" / "n"
    )
    assert make_plan(["lr=1", f"sweep_dir={tmp_path}/here"]).directory == tmp_path / "here"


def test_jobs_are_compared_by_what_their_task_monitors() -> None:
    objective = make_plan(["lr=1,2"]).objective
    assert (objective.metric, objective.mode) == ("val/cider", "max")
    objective = make_plan(["lr=1,2", "sweep.metric=val/loss", "sweep.mode=min"]).objective
    assert (objective.metric, objective.mode) == ("val/loss", "min")
    assert [key for key, _ in problems("lr=1", "sweep.metric=val/loss")] == ["sweep.mode"]
    assert [key for key, _ in problems("task=captioning,translation")] == ["sweep.metric"]


def test_all_problems_with_the_choice_that_leads_to_them() -> None:
    found = problems("model=tell,show", "part=soft,hard,odd", "lr=1,fast", "x=interval(0,1)")
    assert found == [
        ("x", "a grid cannot go through all numbers of an interval"),
        ("lr", "is of the wrong type"),  # whatever else is chosen
        ("part", "has no slot; with model=tell part=hard lr=1 x=0.0"),
        ("part", "there is no such part"),
    ]


def test_a_directory_holds_one_search(tmp_path: Path) -> None:
    def keep(*overrides: str) -> None:
        plan = make_plan(overrides)
        content = {"command": plan.command, "identity": plan.settings.identity(plan.space)}
        plan.directory.mkdir()
        (plan.directory / "sweep.json").write_text(json.dumps(content))

    search = f"sweep_dir={tmp_path}/search"
    keep("lr=interval(0,1)", "sweep=tpe", search)
    ((key, message),) = problems("lr=interval(0,2)", "sweep=tpe", search)
    assert key == str(tmp_path / "search")
    assert "holds another sweep (seqlab sweep 'lr=interval(0,1)'" in message
    make_plan(["lr=interval(0,1)", "sweep=tpe", search])
    # A grid may grow.
    grid = f"sweep_dir={tmp_path}/grid"
    keep("lr=1,2", grid)
    make_plan(["lr=1,2,3", grid])
