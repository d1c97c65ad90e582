"""What is wrong with a command that goes on from a run, word for word."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.config.told import problems

pytestmark = pytest.mark.usefixtures("conf")


def test_eval_needs_a_run_with_a_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "runs/captioning/show_tell/one"
    assert problems("eval") == "run: has to be given: run=DIR"
    assert problems("eval", "run=nope", "split=tset") == (
        "split: there is no such choice\n"
        "  given: tset\n"
        "  allowed: test, val\n"
        "  did you mean: test?\n"
        "\n"
        "run: there is no such run directory\n"
        "  given: nope"
    )
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").touch()
    assert "allowed: runs/captioning/show_tell/one" in problems("eval")
    (run / "checkpoints/last.ckpt").touch()
    assert problems("eval", f"run={run}") == (
        f"checkpoint: there is no checkpoint {run}/checkpoints/best.ckpt\n"
        "  given: best\n"
        "  allowed: last, a path"
    )
    assert problems("eval", f"run={run}", "checkpoint=last", "decoding=greedy") == ""
    assert problems("eval", f"run={run}", "checkpoint=last", "trainer.max_epochs=x") == (
        "trainer.max_epochs: is of the wrong type\n  given: x\n  allowed: a whole number"
    )


def test_an_ensemble_is_a_list_of_runs(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / "checkpoints/best.ckpt").touch()
    assert problems("eval", "run=[a,b,c]") == ""
    assert problems("predict", "run=[a,b,c]", "input=-") == ""
    assert problems("eval", "run=[a]", "checkpoint=a/checkpoints/best.ckpt") == ""
    assert problems("eval", "run=[]") == "run: has to be given: run=DIR"
    (tmp_path / "c/checkpoints/best.ckpt").rename(tmp_path / "c/checkpoints/last.ckpt")
    assert problems("eval", "run=[a,nope,c,./a]") == (
        "run: there is no such run directory\n"
        "  given: nope\n"
        "\n"
        "checkpoint: there is no checkpoint c/checkpoints/best.ckpt\n"
        "  given: best\n"
        "  allowed: last, a path\n"
        "\n"
        "run: stands in the list twice\n"
        "  given: ./a"
    )
    assert problems("eval", "run=[a,b]", "checkpoint=a/checkpoints/best.ckpt") == (
        "checkpoint: is one file, but there are several runs\n"
        "  given: a/checkpoints/best.ckpt\n"
        "  allowed: best, last"
    )
    assert problems("eval", "run=a,b") == (
        "run: there is no such run directory\n  given: a,b\n  did you mean: [a,b]?"
    )


def test_predict_needs_input(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints/best.ckpt").touch()
    (tmp_path / "a.jpg").touch()
    assert problems("predict", f"run={run}") == "input: has to be given: input=FILES"
    assert problems("predict", f"run={run}", "input=*.png") == (
        "input: there is no such file\n  given: *.png"
    )
    assert problems("predict", f"run={run}", "input=*.jpg") == ""
    assert problems("predict", f"run={run}", "input=-") == ""


def test_the_task_of_the_run_says_what_its_input_is(tmp_path: Path) -> None:
    run = tmp_path / "a run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints/best.ckpt").touch()
    kept = run / "config.yaml"
    kept.write_text("task: {_target_: seqlab.tasks.captioning.CaptioningTask}\n")
    with pytest.MonkeyPatch.context() as patch:  # images are not typed
        patch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
        assert problems("predict", "run=a run") == "input: has to be given: input='photos/*.jpg'"
    missing = "input: there is no such file\n  given: a dog runs"
    assert problems("predict", "run=a run", "input=a dog runs") == missing

    kept.write_text("task: {_target_: seqlab.tasks.translation.TranslationTask}\n")
    assert problems("predict", "run=a run") == (
        "input: has to be given: input=sentences.txt, or input=- for lines that are typed"
    )
    assert problems("predict", "run=a run", "input=a dog runs") == (
        "input: there is no such file; to have the line itself answered: "
        "echo 'a dog runs' | seqlab predict 'run=a run' input=-\n"
        "  given: a dog runs"
    )
    with pytest.MonkeyPatch.context() as patch:  # a person at a terminal is asked for lines
        patch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
        assert problems("predict", "run=a run") == ""
        assert problems("predict", "run=a run", "input=dogs.txt") != ""
    for file in ("dogs.txt", "my dogs.txt", "texts/dogs"):
        expected = f"input: there is no such file\n  given: {file}"
        assert problems("predict", "run=a run", f"input={file}") == expected


@pytest.mark.parametrize(
    "text",
    ["- 1", "", "task: [", "task: {_target_: torch.nn.Linear}", "task: {_target_: os.system}"],
)
def test_a_config_that_says_nothing_of_the_input(text: str, tmp_path: Path) -> None:
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    (tmp_path / "run/checkpoints/best.ckpt").touch()
    (tmp_path / "run/config.yaml").write_text(text)
    assert problems("predict", "run=run") == "input: has to be given: input=FILES"
