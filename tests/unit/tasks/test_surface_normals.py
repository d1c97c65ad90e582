"""What the task of normals minimises, measures, draws and answers; its model reads colours."""

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

from seqlab.config.errors import UserError
from seqlab.data.batches import NormalsBatch
from seqlab.data.errors import DataError
from seqlab.data.normals import NormalsDataModule
from seqlab.data.spec import NormalsSpec
from seqlab.data.synthetic.photo_normals import PhotoNormals
from seqlab.data.synthetic.photos import take_photo
from seqlab.models.interfaces import SegmentationModel, Segmented
from seqlab.run.outcome import evaluate_split
from seqlab.tasks.base import Schedule
from seqlab.tasks.surface_normals import SurfaceNormalsTask

SIZE = (24, 32)
SPEC = NormalsSpec(mean_normal=(0.0, -0.8, -0.6), split_hash="hash")


class Reader(SegmentationModel):
    """Takes colours for directions; in an earlier step with a red that is always full."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, images: Tensor) -> Segmented:
        vectors = self.scale * (2 * images - 1)
        earlier = torch.cat([torch.full_like(vectors[:, :1], 2.0), vectors[:, 1:]], dim=1)
        return Segmented(vectors, earlier=(earlier,))


class Ahead(Reader):
    """Says of everything that it faces the camera, or a little to the right."""

    def forward(self, images: Tensor) -> Segmented:
        return Segmented(images.new_tensor([0.3, 0.0, -2.0]).view(1, 3, 1, 1) + 0 * images)


def task(model: SegmentationModel | None = None, **changed: Any) -> SurfaceNormalsTask:
    settings = {"backbone_rate_factor": 1.0, "frozen_batch_norm": False, "num_figures": 1}
    return SurfaceNormalsTask(
        model=model or Reader(),
        spec=SPEC,
        optimizer=partial(torch.optim.SGD, lr=0.2),
        schedule=Schedule(),
        **(settings | changed),
    )


def data(**changed: Any) -> NormalsDataModule:
    source = PhotoNormals(num_train=1, num_val=1, num_test=3, size=SIZE, aberration=0.0, seed=0)
    settings: dict[str, Any] = {"image_size": None, "crop_size": None, "augmentation": None}
    loading = {"batch_size": 2, "num_workers": 0, "seed": 1}
    return NormalsDataModule(source=source, **(settings | loading | changed))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_the_objective_is_the_mean_over_known_pixels_of_all_steps() -> None:
    torch.manual_seed(0)
    images, normals = torch.rand(2, 3, 4, 5), torch.nn.functional.normalize(torch.randn(2, 3, 4, 5))
    normals[0, :, :2] = 0
    outcome = task().train_batch(NormalsBatch(("a", "b"), images, normals))
    losses: dict[str, list[float]] = {"earlier": [], "last": []}
    for b, y, x in np.ndindex(2, 4, 5):
        true, said = (
            normals[b, :, y, x].double().numpy(),
            2 * images[b, :, y, x].double().numpy() - 1,
        )
        if true.any():
            losses["last"].append(1 - cosine(said, true))
            losses["earlier"].append(1 - cosine(np.array([2, 3 * said[1], 3 * said[2]]), true))
    last, earlier = np.mean(losses["last"]), np.mean(losses["earlier"])
    assert float(outcome.objective.detach()) == pytest.approx(last + earlier, rel=1e-5)
    assert float(outcome.logged["loss"].detach()) == pytest.approx(last, rel=1e-5)
    unknown = NormalsBatch(("a",), images[:1], torch.zeros(1, 3, 4, 5))
    assert float(task().train_batch(unknown).objective.detach()) == 0


def evaluated(module: SurfaceNormalsTask, folder: Path, **changed: Any) -> dict[str, float]:
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    photos = data(**changed)
    photos.setup()
    return evaluate_split(trainer, module, photos, "test", seed=0, checkpoint=None)


def test_scores_are_of_the_full_size_beside_those_of_the_mean(tmp_path: Path) -> None:
    """Seen at half its size, a photo is scored at its own."""
    module = task(Ahead())
    metrics = evaluated(module, tmp_path, image_size=(12, 16))
    true = torch.cat([take_photo(0, n, SIZE).normals.flatten(1) for n in (2, 3, 4)], dim=1).numpy()
    true = true[:, true.any(axis=0)]
    said = {"": np.array([0.3, 0, -2.0]), "baseline_": np.array(SPEC.mean_normal)}
    for prefix, direction in said.items():
        errors = np.degrees(np.arccos(direction / np.linalg.norm(direction) @ true))
        assert metrics[f"test/{prefix}mean_error"] == pytest.approx(errors.mean(), rel=1e-4)
        assert metrics[f"test/{prefix}within_30"] == pytest.approx((errors < 30).mean(), abs=1e-3)
    (table,) = module.tables()
    assert [row[0].text for row in table.rows] == ["model", "mean normal"]
    assert table.rows[0][1].text == f"{metrics['test/mean_error']:.1f}"
    assert table.rows[1][6].text == f"{100 * metrics['test/baseline_within_30']:.1f}"
    assert set(table.metrics) < set(metrics)
    assert [row["id"] for row in module.predictions] == [f"photo-0-{n:05d}" for n in (2, 3, 4)]


def test_figures_are_drawn_of_what_was_found(tmp_path: Path) -> None:
    module = task(num_figures=2)
    evaluated(module, tmp_path)
    drawn = [path.name for path in module.draw(tmp_path / "figures")]
    assert drawn == ["photo-0-00002.png", "photo-0-00003.png", "errors.png"]
    assert all((tmp_path / "figures" / name).exists() for name in drawn)


def test_pictures_of_any_size_are_answered(tmp_path: Path) -> None:
    """Above a floor that faces up, a wall that faces the camera."""
    colours = np.zeros((9, 20, 3), np.uint8)
    colours[:, :] = (128, 128, 0)
    colours[6:] = (128, 0, 128)
    Image.fromarray(colours).save(tmp_path / "room.png")
    module = task().eval()
    (answer,) = module.predict_inputs(
        iter([str(tmp_path / "room.png")]), data(), tmp_path, batch_size=4, figures=True
    )
    assert answer.hypotheses[0].text == "towards the camera 66.7 %, up 33.3 %"
    assert answer.hypotheses[0].log_probability is None
    assert json.loads(json.dumps(answer.record))["shares"]["up"] == pytest.approx(1 / 3, abs=1e-4)
    assert answer.figure == tmp_path / "room.png"
    with Image.open(tmp_path / "room_normals.png") as image:
        assert np.abs(np.array(image)[0, 0].astype(int) - [128, 127, 255]).max() <= 1
        assert np.abs(np.array(image)[8, 0].astype(int) - [128, 255, 127]).max() <= 1


def test_a_file_that_is_no_picture_ends_it_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    answers = task().predict_inputs(
        iter([str(tmp_path / "a.png")]), data(), tmp_path, batch_size=1, figures=False
    )
    with pytest.raises(DataError, match=r"a.png: cannot be read as an image"):
        list(answers)


def test_a_rate_without_a_backbone_is_refused() -> None:
    with pytest.raises(UserError, match="has no backbone"):
        task(backbone_rate_factor=0.1)
