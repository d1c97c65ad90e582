"""What a shell is offered."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.cli.completion import SCRIPTS, candidates
from seqlab.cli.main import main
from seqlab.config import catalog

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["data", ""], ["check", "get", "list"]),
        (["data", "get", "flickr8"], ["flickr8k"]),
        (["data", "list", ""], []),
        (["train", "model=show_t"], ["model=show_tell"]),
        (["train", "optimizer=adam"], ["optimizer=adam", "optimizer=adamw"]),
        (["train", "score=d"], ["score=dot"]),
        (["train", "att"], ["attention="]),
        (["train", "model=show_tell", "att"], []),
        (["train", "optimizer.l"], ["optimizer.lr="]),
        (["train", "optimizer=sgd", "optimizer.mom"], ["optimizer.momentum="]),
        (["train", "optimizer.mom"], []),
        (
            ["train", "attention=hard", "model.attention.sa"],
            ["model.attention.sample_probability="],
        ),
        (["train", "task.decoding.beam"], ["task.decoding.beam_size="]),
        (["train", "paths.d"], ["paths.data="]),
        (["train", "optim"], ["optimizer.", "optimizer="]),
        (["train", "--h"], ["--help"]),
        (["train", "--a"], []),
        (["predict", "run=x", "--"], ["--alignments", "--help"]),
        (["predict", "fig"], ["figures="]),
        (["eval", "spl"], ["split="]),
        (["eval", "split="], ["split=test", "split=val"]),
        (["train", "restarts=3", "select="], ["select=train", "select=val"]),
        (["sweep", "select=v"], ["select=val"]),
        (["features", "data=moving"], ["data=moving_scenes"]),
        (["probe", "protocol=f"], ["protocol=folds"]),
        (["probe", "probe="], ["probe=knn", "probe=svm"]),
        (["eval", "ru"], ["run="]),
        (["predict", "r"], ["run="]),
        (["eval", "model"], []),
        (["list", "task=capt"], ["task=captioning"]),
        (["sweep", "launcher=submitit_l"], ["launcher=submitit_local"]),
    ],
)
def test_candidates(words: list[str], expected: list[str]) -> None:
    assert candidates(["seqlab", *words]) == expected


def test_models_and_data_are_those_of_the_task() -> None:
    found = candidates(["seqlab", "train", "task=captioning", "data="])
    assert found == [f"data={name}" for name in catalog.fitting("captioning", "data")]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_scripts_parse_in_their_shells(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "seqlab completion" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_after_an_equals_sign(tmp_path: Path) -> None:
    """Bash breaks words there, and replaces only what follows."""
    program = tmp_path / "seqlab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seqlab "$@"\n')
    program.chmod(0o755)
    script = (
        f'PATH={tmp_path}:$PATH; compopt() {{ :; }}; eval "$(seqlab completion bash)";'
        'COMP_LINE="seqlab train model=show_"; COMP_POINT=${#COMP_LINE}; _seqlab;'
        'echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["show_attend_tell", "show_tell"]


def test_an_unknown_shell(capsys: Capture) -> None:
    assert main(["completion", "bsh"]) == 2
    assert "did you mean: bash?" in capsys.readouterr().err
