"""Clips classified by a rule: the objective, what an evaluation says, and what a person gets."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor, nn

from seqlab.config.errors import UserError
from seqlab.data.batches import ClipBatch
from seqlab.data.loading import ResumableLoader
from seqlab.data.spec import ClipSpec
from seqlab.models.interfaces import VideoClassifier
from seqlab.models.video.c3d import C3D
from seqlab.run.outcome import evaluate_split, keep_predictions
from seqlab.tasks.base import Schedule
from seqlab.tasks.video_classification import VideoClassificationTask

SPEC = ClipSpec(("dark", "grey", "bright"), 4, 8.0, 8, 8, "hash")

# Of each clip its video, class, start in seconds, and how bright it is.
CLIPS = (
    (0, 0, 0.0, 0.1),
    (0, 0, 0.25, 0.4),
    (1, 2, 0.0, 0.9),
    (1, 2, 0.25, 0.1),
    (1, 2, 0.5, 0.8),
    (2, 1, 0.0, 0.9),
)


class Brightness(VideoClassifier):
    """Says dark below a third, bright above two thirds, surer the farther from the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(6.0))

    def forward(self, clips: Tensor) -> Tensor:
        brightness = clips.mean(dim=(1, 2, 3, 4))
        return self.scale * torch.stack(
            [0.5 - brightness, torch.full_like(brightness, 1 / 6), brightness - 0.5], dim=1
        )


def probabilities(brightness: float) -> list[float]:
    odds = [math.exp(6 * each) for each in (0.5 - brightness, 1 / 6, brightness - 0.5)]
    return [each / sum(odds) for each in odds]


class Clips(LightningDataModule):
    spec = SPEC

    def batch(self, keys: list[int]) -> ClipBatch:
        chosen = [CLIPS[key] for key in keys]
        return ClipBatch(
            tuple(f"some/video {video}.mp4" for video, *_ in chosen),
            torch.stack([torch.full((3, 4, 8, 8), bright) for *_, bright in chosen]),
            torch.tensor([label for _, label, *_ in chosen]),
            torch.tensor([video for video, *_ in chosen]),
            torch.tensor([start for _, _, start, _ in chosen]),
        )

    def batches(self, epoch: int) -> list[list[int]]:
        return [[0, 1, 2], [3, 4, 5]]

    def test_dataloader(self) -> ResumableLoader:
        return ResumableLoader(_Numbers(), self, self.batch, num_workers=0)

    def open_video(self, path: Path) -> ClipBatch:
        return self.batch([2, 3, 4])


class _Numbers(torch.utils.data.Dataset[int]):
    def __getitem__(self, key: tuple[int, int]) -> int:
        return key[1]


def task(model: VideoClassifier | None = None, **changed: Any) -> VideoClassificationTask:
    settings: dict[str, Any] = {"num_figures": 2, "saliency": True, "deconvolution": []}
    return VideoClassificationTask(
        model=model or Brightness(),
        spec=SPEC,
        optimizer=partial(torch.optim.SGD, lr=0.0),
        schedule=Schedule(),
        **(settings | changed),
    ).eval()


def c3d() -> C3D:
    torch.manual_seed(0)
    return C3D(
        num_classes=3,
        num_frames=4,
        height=8,
        width=8,
        widths=[4] * 5,
        depths=[1, 1, 2, 2, 2],
        temporal_depth=3,
        fc_size=8,
        dropout=0.0,
        batch_norm=False,
        checkpointing=False,
    )


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )


def test_metrics_worked_by_hand(trainer: Trainer, tmp_path: Path) -> None:
    module = task()
    found = evaluate_split(trainer, module, Clips(), "test", seed=1, checkpoint=None)
    # Of the clips the fourth, and both of which grey is true or said, are wrong.
    losses = [-math.log(probabilities(bright)[label]) for _, label, _, bright in CLIPS]
    assert found == pytest.approx(
        {
            "test/loss": sum(losses) / 6,
            "test/clip_accuracy": 3 / 6,
            "test/video_accuracy": 2 / 3,  # of the first two, the mean of the clips is right
        },
        rel=1e-5,
    )
    keep_predictions(trainer, module, tmp_path / "test.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"some/video {n}.mp4" for n in range(3)]
    assert [(row["answer"], row["label"]) for row in rows] == [
        ("dark", "dark"),
        ("bright", "bright"),
        ("bright", "grey"),
    ]
    mean = sum(probabilities(bright)[2] for bright in (0.9, 0.1, 0.8)) / 3
    assert rows[1]["probability"] == pytest.approx(mean, abs=1e-4)
    (table,) = module.tables()
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["dark", "1", "100.0", "100.0"],
        ["grey", "1", "0.0", "-"],
        ["bright", "1", "100.0", "50.0"],
    ]
    drawn = {path.name for path in module.draw(tmp_path)}
    names = {f"some_video_{n}{end}" for n in (0, 1) for end in (".png", "_seen.png")}
    assert drawn == names | {"classes.png", "confusion.png"}
    assert all((tmp_path / name).exists() for name in drawn)


def test_the_objective_is_the_mean_over_clips() -> None:
    outcome = task().train_batch(Clips().batch([0, 3, 5]))
    losses = [-math.log(probabilities(CLIPS[n][3])[CLIPS[n][1]]) for n in (0, 3, 5)]
    assert outcome.objective.item() == pytest.approx(sum(losses) / 3, rel=1e-5)
    assert outcome.logged["clip_accuracy"].item() == pytest.approx(1 / 3)


def test_files_get_classes_a_figure_and_a_moving_picture(tmp_path: Path) -> None:
    (answer,) = task().predict_inputs(
        iter(["far/goal.mp4"]), Clips(), tmp_path, batch_size=2, figures=True
    )
    means = [sum(probabilities(b)[c] for b in (0.9, 0.1, 0.8)) / 3 for c in range(3)]
    said = {each.text: math.exp(each.log_probability) for each in answer.hypotheses}
    assert said == pytest.approx(dict(zip(SPEC.classes, means, strict=True)), rel=1e-5)
    assert answer.hypotheses[0].text == "bright"
    assert [clip["answer"] for clip in answer.record["clips"]] == ["bright", "dark", "bright"]
    assert answer.figure == tmp_path / "goal.png"
    assert (tmp_path / "goal.gif").exists()
    (plain,) = task().predict_inputs(
        iter(["goal.mp4"]), Clips(), tmp_path / "no", batch_size=8, figures=False
    )
    assert plain.figure is None
    assert not (tmp_path / "no").exists()


def test_units_of_layers_are_projected_back(trainer: Trainer, tmp_path: Path) -> None:
    module = task(c3d(), num_figures=1, deconvolution=["conv2a", "conv3b"])
    evaluate_split(trainer, module, Clips(), "test", seed=1, checkpoint=None)
    drawn = {path.name for path in module.draw(tmp_path)}
    assert {"some_video_0_seen.png", "filters.png"} <= drawn


def test_layers_that_are_not_there() -> None:
    with pytest.raises(UserError, match=r"conv2b\n.*allowed: conv1a, pool1, .*\n.*mean: conv"):
        task(c3d(), deconvolution=["conv2b"])
    with pytest.raises(UserError, match="Brightness has no layers that could be projected back"):
        task(deconvolution=["conv2a"])
