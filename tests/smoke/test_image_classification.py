"""Train, evaluate and ask through the seqlab command, as a person would."""

import json
from pathlib import Path

import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("image_classification")

TINY = (
    "task=image_classification",
    "data.source.num_train=8",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.source.side=32",
    "data.image_size=32",
    "data.batch_size=4",
    "model.backbone.channels=8",
    "task.num_figures=2",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image_classification")
    done(seqlab_here(folder, "train", *TINY, "run_dir=run"))
    return folder


def test_all_models_are_tried() -> None:
    assert catalog.fitting("image_classification", "model") == ("image_classifier",)


def test_a_run_leaves_what_it_promises(folder: Path) -> None:
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    names = {f"{split}/{name}" for split in ("val", "test") for name in ("loss", "map", "voc_map")}
    assert names <= set(metrics)
    assert len((folder / "run" / "predictions" / "test.jsonl").read_text().splitlines()) == 4
    drawn = {path.name for path in (folder / "run" / "figures" / "test").iterdir()}
    assert drawn == {"photos.png", "classes.png"}


def test_pictures_of_any_size_are_classified(folder: Path) -> None:
    (folder / "pictures").mkdir()
    Image.new("L", (9, 30), 200).save(folder / "pictures" / "grey.png")
    Image.new("RGB", (70, 41)).save(folder / "pictures" / "wide.jpg")
    said = done(seqlab_here(folder, "predict", "run=run", "input=pictures"))
    assert "probability" in said.stdout
    assert (folder / "run" / "predictions" / "wide.png").exists()


def test_folders_of_pictures_train(folder: Path) -> None:
    for name, grey in (("dark", 20), ("bright", 230)):
        (folder / "mine" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (40, 30), (grey,) * 3).save(folder / "mine" / name / f"{number}.png")
    words = [word for word in TINY if "source" not in word]
    data = ("data=labelled_folders", "data.source.folder=mine", "data.num_workers=0")
    done(seqlab_here(folder, "train", *words, *data, "run_dir=folders"))
    metrics = json.loads((folder / "folders" / "metrics.json").read_text())
    assert 0 <= metrics["test/accuracy"] <= 1
    assert (folder / "folders" / "figures" / "test" / "confusion.png").exists()
