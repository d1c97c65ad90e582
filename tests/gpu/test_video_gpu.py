"""Video classification on a GPU: python -m pytest -m gpu."""

from pathlib import Path

import pytest
import torch

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
SMALL = [
    "task=video_classification",
    "data.source.num_train=64",
    "data.source.num_val=22",
    "data.source.num_test=22",
    "trainer.max_epochs=1",
    "task.num_figures=1",
    "task.deconvolution=[conv2a]",
]


def test_trains_in_bf16(tmp_path: Path) -> None:
    given = [*SMALL, "trainer=gpu", "model.checkpointing=true", f"run_dir={tmp_path / 'run'}"]
    metrics = train(compose("train", given), given)
    assert 0 < metrics["test/loss"] < 10


def test_gpu_agrees_with_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    losses = []
    for accelerator in ("gpu", "cpu"):
        given = [*SMALL, f"trainer.accelerator={accelerator}", "model.dropout=0"]
        given += ["trainer.precision=32-true", f"run_dir={tmp_path / accelerator}"]
        losses.append(train(compose("train", given), given)["val/loss"])
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)
