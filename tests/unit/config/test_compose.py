"""Parts by their names, and what is wrong with overrides."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from seqlab.config.compose import compose, quote_paths, resolve, rewrite
from seqlab.config.errors import UserError, render

pytestmark = pytest.mark.usefixtures("conf")


def problems(verb: str, *overrides: str) -> str:
    return render(resolve(verb, overrides).problems)


def test_without_overrides_a_task_brings_its_model_and_data() -> None:
    config = compose("train")
    assert config.model._target_.endswith("ShowAttendTell")
    assert config.choices["attention@model.attention"] == "additive"
    assert (config.choices.task, config.choices.data) == ("captioning", "scenes")
    assert "hydra" not in config
    assert "experiment" not in config.choices


def test_a_part_goes_into_its_only_slot() -> None:
    config = compose("train", ["attention=hard", "decoding=greedy", "recurrent=gru"])
    assert config.model.attention._target_.endswith("HardAttention")
    assert config.task.decoding._target_.endswith("Greedy")
    assert config.choices["recurrent@model.recurrent"] == "gru"


def test_a_part_of_a_part_goes_into_its_slot_too() -> None:
    for overrides in (["score=dot", "attention=hard"], ["attention/score=dot", "attention=hard"]):
        config = compose("train", overrides)
        assert config.model.attention._target_.endswith("HardAttention")
        assert config.model.attention.score._target_.endswith("DotScore")


def test_values_are_set_in_the_part_that_was_chosen() -> None:
    overrides = ["model.attention.sample_probability=0.25", "attention=hard"]
    assert compose("train", overrides).model.attention.sample_probability == 0.25


def test_rewriting_keeps_the_order_and_does_nothing_twice() -> None:
    given = ["seed=2", "score=dot", "model.dropout=0.2", "attention=hard"]
    expected = [
        "seed=2",
        "attention/score@model.attention.score=dot",
        "model.dropout=0.2",
        "attention@model.attention=hard",
    ]
    assert rewrite("train", given) == expected
    assert rewrite("train", expected) == expected


def test_rewriting_keeps_values_that_a_sweep_ranges_over() -> None:
    given = [
        "attention=additive,hard",
        "optimizer.lr=interval(1e-4,1e-2)",
        "model=show_attend_tell",
    ]
    assert rewrite("train", given) == ["attention@model.attention=additive,hard", *given[1:]]


def test_the_experiment_beats_the_task_and_the_command_line_beats_both(conf: Path) -> None:
    (conf / "experiment").mkdir()
    (conf / "experiment/paper.yaml").write_text(
        "# @package _global_\n# A paper\ndefaults:\n  - override /model: show_tell\n"
        "  - override /recurrent@model.recurrent: elman\nseed: 7\nmodel:\n  dropout: 0.25\n"
    )
    config = compose("train", ["experiment=paper"])
    assert config.model._target_.endswith("ShowTell")
    assert config.choices["recurrent@model.recurrent"] == "elman"
    assert (config.seed, config.model.dropout) == (7, 0.25)
    config = compose("train", ["experiment=paper", "recurrent=gru", "seed=3"])
    assert config.choices["recurrent@model.recurrent"] == "gru"
    assert (config.seed, config.model.dropout) == (3, 0.25)


def test_several_slots_are_told_apart_by_the_user(conf: Path) -> None:
    text = (conf / "model/show_tell.yaml").read_text()
    two = text.replace("  - _self_", "  - /recurrent@second: gru\n  - _self_", 1)
    (conf / "model/two.yaml").write_text(two)
    assert problems("train", "model=two", "recurrent=gru") == (
        "recurrent: two has 2 slots for it: say which\n"
        "  given: gru\n"
        "  allowed: recurrent@model.recurrent=gru, recurrent@model.second=gru"
    )
    config = resolve("train", ["model=two", "recurrent@model.second=elman"]).config
    assert config.choices["recurrent@model.second"] == "elman"


def test_paths_need_no_quotes() -> None:
    paths = ["a b/c", "x=1,y", "[odd](name)", "it's", "${oc.env:HOME}/x", "plain", r"odd\'name"]
    for path in paths:
        config = compose("train", [f"run_dir={path}"])
        kept = OmegaConf.to_container(config)["run_dir"]
        assert kept == path
    assert quote_paths("train", ["run_dir='a b'", "resume=null", "model.x=a b"]) == [
        "run_dir='a b'",
        "resume=null",
        "model.x=a b",
    ]
    assert compose("predict", ["run=r", "input=photos/*.{jpg,png}"]).input == "photos/*.{jpg,png}"


def test_a_list_of_runs_needs_no_quotes_either() -> None:
    runs = {
        "run=[a b, 2024, x=1/y]": ["a b", "2024", "x=1/y"],
        "run=['a,b',c d]": ["a,b", "c d"],
        "run=[a]": ["a"],
        "run=[]": [],
        "run=2024": "2024",
        "run=x=1,y": "x=1,y",
    }
    for given, expected in runs.items():
        config = OmegaConf.to_container(compose("eval", [given, "checkpoint=[a]"]))
        assert config["run"] == expected
        assert config["checkpoint"] == "[a]"


def test_all_bad_overrides_are_found_and_the_good_ones_are_kept() -> None:
    composed = resolve(
        "train", ["seed=abc", "trainer=b", "model.dropot=1", "model.dropout=0.5", "atention=hard"]
    )
    assert {problem.key for problem in composed.problems} == {
        "seed",
        "trainer",
        "model.dropot",
        "atention",
    }
    assert composed.config.model.dropout == 0.5


def test_validation_of_the_rest_is_told_with_them() -> None:
    with pytest.raises(UserError) as error:
        compose("train", ["trainer=b", "optimizer.lr=x"])
    assert [problem.key for problem in error.value.problems] == ["trainer", "optimizer.lr"]


@pytest.mark.parametrize(
    ("override", "near"),
    [
        ("lr=1", "optimizer.lr"),
        ("optimizer.lrr=1", "optimizer.lr"),
        ("modle=show_tell", "model"),
        ("model=showtell", "show_tell"),
        ("attention=hrad", "hard"),
        ("paths.dta=x", "paths.data"),
        ("captioning", "task=captioning"),
    ],
)
def test_nearest_names(override: str, near: str) -> None:
    (problem,) = resolve("train", [override]).problems
    assert problem.nearest == near


@pytest.mark.parametrize(
    "override",
    [
        "=3",
        "x",
        "model=",
        "model=3",
        "seed=",
        "a=[",
        "~nope",
        "+attention=hard",
        "model@x=show_tell",
    ],
)
def test_odd_overrides_are_problems_not_crashes(override: str) -> None:
    composed = resolve("train", [override])
    config = composed.config
    assert composed.problems or config.model is None
    assert all(problem.message for problem in composed.problems)


def test_a_sweep_belongs_to_the_sweep() -> None:
    assert problems("train", "seed=1,2") == (
        "seed: has several values; seqlab sweep runs each\n  given: 1,2"
    )


def test_configs_of_the_user_are_found(tmp_path: Path) -> None:
    own = tmp_path / "own" / "attention"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(
        "# Mine\n_target_: seqlab.components.attention.hard.HardAttention\n"
    )
    path = f"hydra.searchpath=['file://{own.parent}']"
    config = resolve("train", [path, "attention=mine"]).config
    assert config.choices["attention@model.attention"] == "mine"
