"""Train, evaluate and label pictures through the seqlab command, as a person would."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import Ended, done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("segmentation")

TINY = (
    "task=segmentation",
    "data.source.num_train=4",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.source.side=32",
    "data.batch_size=2",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
MODELS = {
    "fcn": ("task.class_weights=true", "task.backbone_rate_factor=0.5"),
    "patch_classifier": (),
    "deconvnet": (),
    "segnet": ("task.frozen_batch_norm=true",),
    "multiscale": (),
    "recurrent_cnn": (),
    "hypercolumns": (),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there is a run of each model, by its name."""
    folder = tmp_path_factory.mktemp("segmentation")
    for name, words in MODELS.items():
        done(seqlab_here(folder, "train", *TINY, f"model={name}", *words, f"run_dir={name}"))
    return folder


def test_all_models_are_tried() -> None:
    assert set(MODELS) == set(catalog.fitting("segmentation", "model"))


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_what_it_promises(model: str, folder: Path) -> None:
    run = folder / model
    metrics = json.loads((run / "metrics.json").read_text())
    names = {"loss", "pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou"}
    assert {f"{split}/{name}" for split in ("val", "test") for name in names} <= set(metrics)
    assert all(0 <= metrics[f"test/{name}"] <= 1 for name in names - {"loss"})
    assert (run / "figures" / "test" / "confusion.png").exists()
    rows = (run / "predictions" / "test.jsonl").read_text().splitlines()
    assert len(rows) == 2


def test_windows_and_mirrors_are_measured_apart(folder: Path) -> None:
    words = ("inference=sliding", "inference.window=[16,16]", "inference.flip=true")
    done(seqlab_here(folder, "eval", "run=fcn", *words, "trainer.accelerator=cpu"))
    metrics = json.loads((folder / "fcn" / "metrics_test_sliding.json").read_text())
    assert 0 <= metrics["test/mean_iou"] <= 1


def test_another_part_than_the_task_has_is_refused(folder: Path) -> None:
    refused = seqlab_here(folder, "eval", "run=fcn", "decoding=greedy")
    assert refused.returncode == 2
    assert "the run's task, segmentation, has no such part" in refused.stderr
    assert "inference" in refused.stderr


def test_pictures_of_any_size_are_labelled(folder: Path) -> None:
    pictures = folder / "pictures"
    pictures.mkdir()
    for name, size in (("wide.jpg", (70, 41)), ("tiny.png", (7, 5))):
        noise = np.random.default_rng(0).integers(256, size=(*size[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(pictures / name)
    Image.new("L", (9, 30), 200).save(pictures / "grey.png")
    said = _predict(folder)
    for name, size in (("wide", (70, 41)), ("tiny", (7, 5)), ("grey", (9, 30))):
        with Image.open(folder / "fcn" / "predictions" / f"{name}_labels.png") as labels:
            assert (labels.size, labels.mode) == (size, "P")
        assert f"{name}_labels.png" in said.stdout.replace("\n", "")
        assert (folder / "fcn" / "predictions" / f"{name}.png").exists()


def _predict(folder: Path) -> Ended:
    words = ("run=fcn", "input=pictures", "trainer.accelerator=cpu")
    return done(seqlab_here(folder, "predict", *words))
