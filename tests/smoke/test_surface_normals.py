"""Train, evaluate and answer pictures with normals through the seqlab command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("surface_normals")

TINY = (
    "task=surface_normals",
    "data.source.num_train=4",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.source.size=[24,32]",
    "data.batch_size=2",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
# One model of several steps and one of a single one: all others answer in the same way.
MODELS = {"fcn": ("task.backbone_rate_factor=0.5",), "recurrent_cnn": ()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there is a run of each model, by its name."""
    folder = tmp_path_factory.mktemp("surface_normals")
    for name, words in MODELS.items():
        done(seqlab_here(folder, "train", *TINY, f"model={name}", *words, f"run_dir={name}"))
    return folder


def test_every_segmentation_model_may_say_normals() -> None:
    assert set(MODELS) < set(catalog.fitting("surface_normals", "model"))
    models = [catalog.fitting(task, "model") for task in ("surface_normals", "segmentation")]
    assert models[0] == models[1]


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_what_it_promises(model: str, folder: Path) -> None:
    metrics = json.loads((folder / model / "metrics.json").read_text())
    names = {"mean_error", "median_error", "rmse", "within_11", "within_22", "within_30"}
    assert {f"{split}/{name}" for split in ("val", "test") for name in names} <= set(metrics)
    assert all(0 <= metrics[f"test/{name}"] <= 180 for name in names)
    assert metrics["test/baseline_mean_error"] > 0
    assert (folder / model / "figures" / "test" / "errors.png").exists()
    assert len((folder / model / "predictions" / "test.jsonl").read_text().splitlines()) == 2


def test_an_evaluation_finds_the_same_again(folder: Path) -> None:
    before = json.loads((folder / "fcn" / "metrics.json").read_text())
    said = done(seqlab_here(folder, "eval", "run=fcn", "trainer.accelerator=cpu", "output=again"))
    assert "mean normal" in said.stdout
    after = json.loads((folder / "again" / "metrics.json").read_text())
    assert after["test/mean_error"] == pytest.approx(before["test/mean_error"])


def test_pictures_of_any_size_are_answered(folder: Path) -> None:
    pictures = folder / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(0).integers(256, size=(41, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(pictures / "wide.jpg")
    said = done(
        seqlab_here(folder, "predict", "run=fcn", "input=pictures", "trainer.accelerator=cpu")
    )
    assert "%" in said.stdout
    assert "log-probability" not in said.stdout
    with Image.open(folder / "fcn" / "predictions" / "wide_normals.png") as normals:
        assert (normals.size, normals.mode) == ((70, 41), "RGB")
    assert (folder / "fcn" / "predictions" / "wide.png").exists()


def test_a_model_of_two_tasks_names_both_where_it_fits_none(folder: Path) -> None:
    refused = seqlab_here(folder, "check", "task=translation", "model=fcn")
    assert refused.returncode == 2
    said = " ".join(refused.stderr.split())
    assert "it belongs to task=segmentation and task=surface_normals" in said
