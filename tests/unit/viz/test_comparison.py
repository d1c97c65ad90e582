"""Runs in one figure, and the script that reads them."""

import json
from pathlib import Path

import numpy as np
import pytest

from scripts.compare_runs import end_curve, main, read_words, runs_of, training_curve
from seqlab.config.errors import UserError
from seqlab.run.rundir import RunDir
from seqlab.viz.comparison import comparison_figure, mean_curve


def curve(*points: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.array(points, dtype=float).T
    return x, y


def test_the_mean_is_that_of_all_or_none() -> None:
    places, values = mean_curve([curve((0, 0), (4, 8)), curve((1, 4), (2, 4), (6, 12))])
    # from 1 to 4, where both are: 2x and 4, then 4 + 2 (x - 2)
    np.testing.assert_allclose(places, [1, 2, 4])
    np.testing.assert_allclose(values, [(2 + 4) / 2, (4 + 4) / 2, (8 + 8) / 2])


def test_each_group_has_its_curve(tmp_path: Path) -> None:
    groups = {
        "ntm": [curve((1, 1), (2, 3)), curve((1, 3), (2, 5))],
        "lstm": [curve((1, 7), (3, 9))],
    }
    path = tmp_path / "figure.png"
    figure = comparison_figure(groups, path, x_label="step", y_label="val/loss")
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["ntm, mean of 2"], [[1, 2], [2, 4]])
    np.testing.assert_allclose(lines["lstm"], [[1, 7], [3, 9]])
    assert len(figure.axes[0].lines) == 4  # the two runs of ntm too
    assert path.stat().st_size > 0


@pytest.mark.parametrize("groups", [{}, {"ntm": []}, {"ntm": [(np.array([]), np.array([]))]}])
def test_nothing_to_draw(groups: dict, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="each"):
        comparison_figure(groups, tmp_path / "figure.png", x_label="", y_label="")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run, one of two seeds, and one of restarts, of which the best is kept."""
    table = "step,epoch,train/samples,val/loss\n2,1,20,\n3,1,,5\n4,1,40,\n4,1,,6\n"
    for name in ("run", "several/seed_1", "several/seed_2", "best", "best/restart_1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.csv").write_text(table)
    errors = {f"test/bit_errors_{length}": length / 10 for length in (5, 100, 20)}
    metrics = {**errors, "test/bit_errors": 1.0, "test/signature_5": "x"}
    (tmp_path / "run/metrics.json").write_text(json.dumps(metrics))
    return tmp_path


def test_a_metric_over_steps_and_over_samples(runs: Path) -> None:
    run = RunDir(runs / "run")
    np.testing.assert_allclose(training_curve(run, "val/loss", "step"), [[3, 4], [5, 6]])
    np.testing.assert_allclose(training_curve(run, "val/loss", "samples"), [[30, 40], [5, 6]])


def test_a_metric_over_what_the_star_stands_for(runs: Path) -> None:
    found = end_curve(RunDir(runs / "run"), "test/bit_errors_*")
    np.testing.assert_allclose(found, [[5, 20, 100], [0.5, 2, 10]])


def test_a_directory_of_seeds_stands_for_all(runs: Path) -> None:
    found = runs_of([runs / "several", runs / "best"])
    assert [run.path.name for run in found] == ["seed_1", "seed_2", "best"]


def test_a_command_line(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = runs / "figure.png"
    main([f"one={runs}/run", f"two={runs}/several", "metric=val/loss", f"output={output}"])
    assert output.stat().st_size > 0
    assert capsys.readouterr().out == f"{output}\n"


def test_names_of_one_group(runs: Path) -> None:
    settings, groups = read_words(["a=x", "b=y", "a=z", str(runs), "metric=val/loss"])
    assert groups == {"a": [Path("x"), Path("z")], "b": [Path("y")], str(runs): [runs]}
    assert settings == {"metric": "val/loss", "x": "step", "output": "comparison.png"}


def test_what_is_wrong_is_told(runs: Path) -> None:
    with pytest.raises(UserError) as caught:
        main(["x=smaples"])
    assert [problem.key for problem in caught.value.problems] == ["DIR", "metric", "x"]
    assert caught.value.problems[2].nearest == "samples"
    with pytest.raises(UserError, match="did you mean: val/loss"):
        main([f"{runs}/run", "metric=val/los"])
    with pytest.raises(UserError, match=r"it has no metrics\.csv"):
        main([f"{runs}/nothing", "metric=val/loss"])
