"""Train, evaluate and use networks that know where patches lie, through the seqlab command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("context_prediction")

DATA = (
    "data.source.num_train=4",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.source.size=[72,72]",
    "data.grid.patch_size=16",
    "data.grid.gap=8",
    "data.batch_size=2",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
SMALL = ("model.fc6_dim=8", "model.fc7_dim=8", "model.fc8_dim=8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("context")
    words = ("task=context_prediction", *DATA, *SMALL, "task.num_figures=1")
    done(seqlab_here(path, "train", *words, "run_dir=net"))
    done(seqlab_here(path, "train", "task=patch_position", *DATA, "run_dir=locator"))
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path / "photo.png")
    return path


def test_all_models_and_data_belong_to_the_tasks() -> None:
    assert set(catalog.fitting("context_prediction", "model")) == {"context_net", "context_vgg"}
    assert set(catalog.fitting("context_prediction", "data")) == {"photos", "image_folders"}
    assert set(catalog.fitting("patch_position", "model")) == {"patch_locator"}
    assert set(catalog.fitting("patch_position", "data")) == {"photos", "image_folders"}


def test_pairs_are_scored_and_drawn(folder: Path) -> None:
    metrics = json.loads((folder / "net" / "metrics.json").read_text())
    assert 0 <= metrics["test/accuracy"] <= 1
    rows = (folder / "net" / "predictions" / "test.jsonl").read_text().splitlines()
    scored = [json.loads(row) for row in rows]
    assert [row["pairs"] for row in scored] == [24, 24]
    mean = sum(row["accuracy"] for row in scored) / 2
    assert metrics["test/accuracy"] == pytest.approx(mean, abs=1e-4)
    drawn = {path.name for path in (folder / "net" / "figures" / "test").iterdir()}
    assert drawn == {"photo_6.png", "positions.png", "confusion.png"}


def test_an_evaluation_gives_the_same_numbers_again(folder: Path) -> None:
    done(seqlab_here(folder, "eval", "run=net", "trainer.accelerator=cpu", "output=again"))
    first, again = (
        json.loads((folder / place).read_text())
        for place in ("net/metrics.json", "again/metrics.json")
    )
    assert again["test/accuracy"] == first["test/accuracy"]


def test_a_photo_of_a_person_is_cut_and_answered(folder: Path) -> None:
    for run, says in (("net", "of 8 neighbours"), ("locator", "of a side away")):
        said = done(
            seqlab_here(
                folder, "predict", f"run={run}", "input=photo.png", "trainer.accelerator=cpu"
            )
        )
        assert says in said.stdout.replace("\n", " ")
        assert (folder / run / "predictions" / "photo.png").exists()
    Image.new("RGB", (20, 20)).save(folder / "tiny.png")
    refused = seqlab_here(folder, "predict", "run=net", "input=tiny.png")
    assert refused.returncode == 2
    assert "too small for two rows" in refused.stderr


def test_the_control_reports_both_axes(folder: Path) -> None:
    metrics = json.loads((folder / "locator" / "metrics.json").read_text())
    names = {name for name in metrics if name.startswith("test/")}
    scores = ("error", "middle_error", "error_right", "error_down", "r2_right", "r2_down")
    assert {f"test/{name}" for name in scores} <= names
    assert (folder / "locator" / "figures" / "test" / "positions.png").exists()


def test_pictures_of_a_folder_are_learned_from(folder: Path) -> None:
    chance = np.random.default_rng(1)
    (folder / "many").mkdir()
    for number in range(6):
        noise = chance.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "many" / f"{number}.jpg")
    words = (
        "task=context_prediction",
        "data=image_folders",
        "data.source.folders=[many]",
        "data.source.shares=[0.5,0.25,0.25]",
        "data.grid.patch_size=16",
        "data.grid.gap=4",
        "data.grid.jitter=1",
        "data.pixels=null",
        "data.num_workers=0",
        "data.cures.colour=dropping",
        *SMALL,
        "trainer.accelerator=cpu",
        "trainer.max_epochs=1",
        "threads=1",
        "run_dir=folders",
    )
    done(seqlab_here(folder, "train", *words))
    assert "test/accuracy" in json.loads((folder / "folders" / "metrics.json").read_text())


def test_neighbours_are_of_other_images_and_drawn_beside_other_networks(folder: Path) -> None:
    words = ("run=net", "split=train", "num_queries=2", "num_neighbours=3", "beside=[locator]")
    more = ("backbone=small_conv", "backbone.channels=8", "trainer.accelerator=cpu", "threads=1")
    said = done(seqlab_here(folder, "neighbours", *words, *more))
    assert "patches of 4 images" in said.stdout.replace("\n", " ")
    rows = json.loads((folder / "net" / "neighbours" / "neighbours.json").read_text())
    assert len(rows) == 2
    for row in rows:
        assert set(row) == {"query", "trained", "random weights", "locator", "small_conv"}
        for name in set(row) - {"query"}:
            images = [found["image"] for found in row[name]]
            assert len(set(images) | {row["query"]["image"]}) == 4
    with Image.open(folder / "net" / "neighbours" / "neighbours.png") as figure:
        assert figure.width > figure.height


def test_too_many_neighbours_and_runs_without_patches_are_refused(folder: Path) -> None:
    refused = seqlab_here(folder, "neighbours", "run=net", "num_neighbours=2")
    assert refused.returncode == 2
    assert "2 images of test are looked through" in refused.stderr
    refused = seqlab_here(folder, "neighbours", "run=net", "beside=[nowhere]")
    assert refused.returncode == 2
    assert "beside: there is no such run directory" in refused.stderr


def test_constellations_are_mined_and_their_purity_measured(folder: Path) -> None:
    words = ("run=net", "num_constellations=98", "most_matches=3", "num_clusters=2", "step=8")
    done(seqlab_here(folder, "mine", *words, "trainer.accelerator=cpu", "threads=1"))
    metrics = json.loads((folder / "net" / "clusters" / "metrics.json").read_text())
    assert set(metrics) >= {"train/verified_matches", "train/coverage"}
    clusters = json.loads((folder / "net" / "clusters" / "clusters.json").read_text())
    assert 0 < len(clusters) <= 2
    for cluster in clusters:
        (top, left), (_, right), (bottom, _), _ = cluster["seed"]["patches"]
        assert (right - left, bottom - top) == (16, 16)
        assert all(each["image"] != cluster["seed"]["image"] for each in cluster["verified"])
        assert 0 < cluster["purity"] <= 1
    for name in ("clusters.png", "purity.png"):
        assert (folder / "net" / "clusters" / name).exists()
    refused = seqlab_here(folder, "mine", "run=net", "step=5")
    assert refused.returncode == 2
    assert "does not divide a patch of 16 pixels" in refused.stderr
