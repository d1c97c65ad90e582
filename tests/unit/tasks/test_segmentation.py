"""What the task of segmentation minimises, measures, draws and answers; its model reads red."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import Trainer
from PIL import Image
from torch import Tensor, nn

from seqlab.components.inference.whole import WholeImage
from seqlab.config.errors import UserError
from seqlab.data.batches import VOID, SegmentationBatch
from seqlab.data.errors import DataError
from seqlab.data.segmentation import SegmentationDataModule
from seqlab.data.spec import SegmentationSpec
from seqlab.data.synthetic.scene_masks import SceneMasks
from seqlab.models.interfaces import SegmentationModel, Segmented
from seqlab.run.outcome import evaluate_split
from seqlab.tasks.base import Schedule
from seqlab.tasks.segmentation import SegmentationTask

CLASSES = 6


class Reader(SegmentationModel):
    """Takes the brightness of a pixel for the number of its class, in two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.BatchNorm2d(3))
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, images: Tensor) -> Segmented:
        classes = torch.arange(CLASSES).view(1, -1, 1, 1)
        logits = -self.scale * (images[:, :1] * CLASSES - classes - 0.5).abs()
        logits = logits + 0 * self.backbone(images).sum()
        return Segmented(logits, earlier=(0.5 * logits,))


def data() -> SegmentationDataModule:
    return SegmentationDataModule(
        source=SceneMasks(num_train=2, num_val=2, num_test=2, side=32, seed=0),
        image_size=None,
        crop_size=None,
        augmentation=None,
        in_memory=False,
        batch_size=2,
        num_workers=0,
        seed=1,
    )


def spec() -> SegmentationSpec:
    weights = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
    palette = ("#000000", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#00ffff")
    return SegmentationSpec(("ground", "b", "c", "d", "e", "f"), palette, weights, "hash")


def task(model: SegmentationModel | None = None, **changed: Any) -> SegmentationTask:
    settings: dict[str, Any] = {
        "inference": WholeImage(flip=False),
        "class_weights": False,
        "backbone_rate_factor": 1.0,
        "frozen_batch_norm": False,
        "num_figures": 1,
    }
    return SegmentationTask(
        model=model or Reader(),
        spec=spec(),
        optimizer=partial(torch.optim.SGD, lr=0.2, momentum=0.9),
        schedule=Schedule(),
        **(settings | changed),
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_the_objective_is_the_mean_over_scored_pixels_of_all_steps(weighted: bool) -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(2, 3, 4, 5), torch.randint(CLASSES, (2, 4, 5))
    labels[0, :2] = VOID
    module = task(class_weights=weighted).eval()
    outcome = module.train_batch(SegmentationBatch(("a", "b"), images, labels))
    weight = np.array(spec().class_weights) if weighted else np.ones(CLASSES)
    losses = []
    for scale in (0.5, 1.0):
        nll, total = 0.0, 0.0
        for b, y, x in np.ndindex(2, 4, 5):
            true = int(labels[b, y, x])
            if true == VOID:
                continue
            logits = -scale * np.abs(float(images[b, 0, y, x]) * CLASSES - np.arange(6) - 0.5)
            nll -= weight[true] * (logits[true] - np.log(np.exp(logits).sum()))
            total += weight[true]
        losses.append(nll / total)
    assert float(outcome.objective.detach()) == pytest.approx(sum(losses), rel=1e-5)
    assert float(outcome.logged["loss"].detach()) == pytest.approx(losses[1], rel=1e-5)


def test_a_batch_of_void_has_no_loss() -> None:
    labels = torch.full((1, 4, 5), VOID)
    batch = SegmentationBatch(("a",), torch.rand(1, 3, 4, 5), labels)
    objective = task(class_weights=True).train_batch(batch).objective
    objective.backward()
    assert float(objective.detach()) == 0.0


def test_the_backbone_has_a_rate_of_its_own() -> None:
    module = task(backbone_rate_factor=0.1)
    head, backbone = module.configure_optimizers().param_groups
    assert [head["lr"], backbone["lr"]] == pytest.approx([0.2, 0.02])
    assert head["params"] == [module.model.scale]
    assert backbone["params"] == list(module.model.backbone.parameters())
    assert len(task().configure_optimizers().param_groups) == 1


def test_a_rate_without_a_backbone_is_refused() -> None:
    frozen = Reader()
    frozen.backbone.requires_grad_(False)
    with pytest.raises(UserError, match="nothing of the backbone is trained"):
        task(frozen, backbone_rate_factor=0.1)
    with pytest.raises(UserError, match="0 or above"):
        task(backbone_rate_factor=-1.0)
    without = Reader()
    without.backbone = None
    with pytest.raises(UserError, match="has no backbone"):
        task(without, backbone_rate_factor=0.1)


def test_frozen_batch_norm_keeps_its_statistics() -> None:
    for frozen in (False, True):
        module = task(frozen_batch_norm=frozen).train()
        module.model(torch.rand(2, 3, 4, 4))
        moved = module.model.backbone[0].running_mean.abs().sum() > 0
        assert bool(moved) == (not frozen)


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[SegmentationTask, dict[str, float]]:
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    module = task()
    return module, evaluate_split(trainer, module, data(), "test", seed=0, checkpoint=None)


def test_scores_tables_and_figures(
    evaluated: tuple[SegmentationTask, dict[str, float]], tmp_path: Path
) -> None:
    module, found = evaluated
    assert {"test/loss", "test/mean_iou", "test/boundary_f1", "test/iou_ground"} <= set(found)
    right = [row["pixel_accuracy"] for row in module.predictions]
    assert found["test/pixel_accuracy"] == pytest.approx(np.mean(right), abs=1e-4)
    (table,) = module.tables()
    assert [row[0].text for row in table.rows] == list(spec().classes)
    shares = [float(row[3].text) for row in table.rows]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    paths = module.draw(tmp_path / "figures")
    assert len(paths) == 3
    assert all(path.stat().st_size > 1000 for path in paths)


def test_files_of_any_size_are_labelled(tmp_path: Path) -> None:
    levels = np.array([[0, 1, 2], [3, 4, 5]]).repeat(4, 0).repeat(2, 1)  # 8 x 6
    grey = (255 * (levels + 0.5) / CLASSES).astype(np.uint8)
    Image.fromarray(grey, mode="L").save(tmp_path / "grey.png")
    Image.fromarray(grey[:1, :1], mode="L").save(tmp_path / "dot.png")
    files = [str(tmp_path / name) for name in ("grey.png", "dot.png")]
    answers = list(
        task()
        .eval()
        .predict_inputs(iter(files), data(), tmp_path / "out", batch_size=4, figures=True)
    )
    with Image.open(tmp_path / "out" / "grey_labels.png") as labels:
        assert labels.mode == "P"
        assert np.array_equal(np.array(labels), levels)
        assert np.array(labels.convert("RGB"))[0, 2].tolist() == [255, 0, 0]
    assert answers[1].hypotheses[0].text == "ground 100.0 %"
    assert answers[0].record["shares"]["b"] == pytest.approx(1 / 6, abs=1e-4)
    json.dumps([answer.record for answer in answers])
    assert all(answer.figure is not None and answer.figure.exists() for answer in answers)


def test_what_is_no_picture_is_named_before_any_is_labelled(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no picture")
    answers = (
        task()
        .eval()
        .predict_inputs(
            iter([str(tmp_path / "note.png")]),
            data(),
            tmp_path / "out",
            batch_size=1,
            figures=False,
        )
    )
    with pytest.raises(DataError, match=r"note\.png: cannot be read"):
        next(iter(answers))
    assert not (tmp_path / "out").exists()
