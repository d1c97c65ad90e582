"""Checkpoints of which the code, since they were written, has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab.config.compose import compose
from seqlab.config.errors import UserError
from seqlab.run.assemble import assemble, read_checkpoint, reassemble, record_of
from seqlab.run.checkpoints import RECORD_KEY

HINT = "was written by another version of the code"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    """The checkpoint of an untrained copier."""
    config = compose("train", ["task=algorithmic", "model=lstm", "model.hidden_dim=3"])
    parts = assemble(config)
    return {
        "state_dict": parts.task.state_dict(),
        "global_step": 7,
        RECORD_KEY: record_of(config, parts.spec).to_json(),
    }


@pytest.fixture
def problems(content: dict[str, Any], tmp_path: Path) -> Callable[..., list[str]]:
    """What is said of a checkpoint whose config or weights are changed."""

    def run(*, config: Callable[[dict[str, Any]], Any] | None = None, **changes: Any) -> list[str]:
        record = json.loads(content[RECORD_KEY])
        if config is not None:
            config(record["config"])
        (tmp_path / "checkpoints").mkdir()
        path = tmp_path / "checkpoints" / "best.ckpt"
        torch.save({**content, RECORD_KEY: json.dumps(record), **changes}, path)
        saved = read_checkpoint(tmp_path, "best", [])
        with pytest.raises(UserError) as error:
            reassemble([saved], data_dir=str(tmp_path), with_data=True)
        *others, last = error.value.problems
        assert last.key == "checkpoint"
        assert last.message.startswith(HINT)
        assert last.given == str(path)
        return [f"{problem.key}: {problem.message}" for problem in others]

    return run


def test_a_setting_that_came_later_is_told_with_what_to_do(
    problems: Callable[..., list[str]],
) -> None:
    said = problems(config=lambda config: config["task"].pop("cuda_graphs"))
    assert said == ["task.cuda_graphs: AlgorithmicTask needs it and nothing gives it"]


def test_so_is_a_setting_that_has_gone(problems: Callable[..., list[str]]) -> None:
    said = problems(config=lambda config: config["data"].update(gone=1))
    assert said == ["data.gone: AlgorithmicDataModule has no argument gone"]


def test_so_are_weights_that_have_changed(
    content: dict[str, Any], problems: Callable[..., list[str]]
) -> None:
    weights = dict(content["state_dict"])
    weights.popitem()
    assert problems(state_dict=weights) == []
