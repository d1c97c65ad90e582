"""Features of images and what probes say of them, through the command."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqlab.metrics.image_labels import voc_average_precision
from seqlab.run.assemble import read_checkpoint, reassemble
from tests.smoke.command import done, seqlab_here
from tests.smoke.test_image_classification import TINY

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("image_features")

pytest.importorskip("sklearn")

NUM_PHOTOS = ("data.source.num_train=24", "data.source.num_val=8", "data.source.num_test=12")
CONTEXT = (
    "task=context_prediction",
    "backbone=small_conv",
    "model.backbone.channels=8",
    "model.fc6_dim=6",
    "model.fc7_dim=6",
    "model.fc8_dim=6",
    "data.source.num_train=2",
    "data.source.num_val=1",
    "data.source.num_test=1",
    "task.num_figures=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=0",
    "threads=1",
)
PHOTOS = ("data=photo_objects", *NUM_PHOTOS, "data.source.side=32", "threads=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run`, a classifier, `map`, features of its backbone, and `context`, which saw patches."""
    folder = tmp_path_factory.mktemp("image_features")
    words = (*TINY, *NUM_PHOTOS, "task.num_figures=0", "trainer.max_epochs=0")
    done(seqlab_here(folder, "train", *words, "run_dir=run"))
    words = ("run=run", "layer=backbone", "maps=mean", "batch_size=5", "threads=1", "output=map")
    done(seqlab_here(folder, "features", *words))
    done(seqlab_here(folder, "train", *CONTEXT, "run_dir=context"))
    return folder


def read(folder: Path, name: str) -> tuple[np.ndarray, list[dict]]:
    index = json.loads((folder / name / "index.json").read_text())["examples"]
    return np.load(folder / name / "features.npy"), index


def test_rows_are_what_the_layer_says_of_each_image(folder: Path) -> None:
    parts = reassemble(
        [read_checkpoint(folder / "run", "best", [])], data_dir="data", with_data=True
    )
    matrix, index = read(folder, "map")
    assert [row["split"] for row in index] == ["train"] * 24 + ["val"] * 8 + ["test"] * 12
    assert set(index[0]) == {"name", "label", "split"}
    data, model = parts.datamodule, parts.task.model.eval()
    for number, split, place in ((0, "train", 0), (31, "val", 7), (43, "test", 11)):
        example = data.all_images(split)[0, place]
        assert index[number]["name"] == example.image_id
        assert index[number]["label"] == example.labels.tolist()
        with torch.no_grad():
            said = model.backbone(example.pixels[None])[0].mean(dim=(1, 2))
        expected = F.normalize(said, dim=0).numpy()
        np.testing.assert_allclose(matrix[number], expected, atol=1e-5)


def test_patches_need_no_pairs(folder: Path) -> None:
    words = ("run=context", "layer=fc6", "normalise=false", *PHOTOS, "output=fc6")
    done(seqlab_here(folder, "features", *words, "data.image_size=32"))
    matrix, index = read(folder, "fc6")
    parts = reassemble(
        [read_checkpoint(folder / "context", "best", [])], data_dir="data", with_data=False
    )
    run = reassemble([read_checkpoint(folder / "run", "best", [])], data_dir="data", with_data=True)
    example = run.datamodule.all_images("test")[0, 3]
    assert index[35]["name"] == example.image_id
    with torch.no_grad():
        expected = parts.task.model.eval().embed(example.pixels[None])[0].numpy()
    np.testing.assert_allclose(matrix[35], expected, atol=1e-5)
    # The backbone reads images of any size, and what lies behind it patches alone.
    words = ("run=context", *PHOTOS, "data.image_size=40", "output=other")
    done(seqlab_here(folder, "features", *words, "layer=backbone.layers.2"))
    refused = seqlab_here(folder, "features", *words, "layer=fc6", "output=more")
    assert refused.returncode == 2
    assert "data.image_size=32" in refused.stderr


@pytest.mark.parametrize("probe", ["svm", "knn"])
def test_each_class_is_told_from_the_rest(folder: Path, probe: str) -> None:
    done(seqlab_here(folder, "probe", "features=map", f"probe={probe}", f"output={probe}"))
    metrics = json.loads((folder / probe / "metrics.json").read_text())
    assert {"val/map", "test/map", "test/voc_map"} < set(metrics)
    assert metrics["test/map_signature"].startswith(f"probe {probe}: ")
    rows = [json.loads(line) for line in (folder / probe / "predictions" / "test.jsonl").open()]
    assert len(rows) == 12
    found = []
    for name in rows[0]["scores"]:
        labels = np.array([name in row["classes"] for row in rows])
        if labels.any():
            scores = np.array([row["scores"][name] for row in rows])
            found.append(voc_average_precision(scores, labels))
    assert metrics["test/voc_map"] == pytest.approx(np.mean(found), abs=0.02)  # scores are rounded
    assert (folder / probe / "figures" / "classes.png").exists()


def test_nothing_that_is_tested_teaches(folder: Path) -> None:
    """Other labels of the test split leave all scores as they were."""
    content = json.loads((folder / "map" / "index.json").read_text())
    for row in content["examples"]:
        if row["split"] == "test":
            row["label"] = [1 - label for label in row["label"]]
    (folder / "moved").mkdir()
    (folder / "moved" / "index.json").write_text(json.dumps(content))
    (folder / "moved" / "features.npy").write_bytes((folder / "map" / "features.npy").read_bytes())
    scores = []
    for name in ("map", "moved"):
        done(seqlab_here(folder, "probe", f"features={name}", f"output=of_{name}"))
        path = folder / f"of_{name}" / "predictions" / "test.jsonl"
        scores.append([json.loads(line)["scores"] for line in path.open()])
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (("features", "run=context", "layer=fc6"), ("neither clips nor classified images",)),
        (("features", "run=run", "layer=backbon"), ("the network has no such module", "backbone")),
        (("probe", "features=map", "protocol=folds"), ("may show several classes", "splits")),
    ],
)
def test_mistakes_end_with_2(folder: Path, words: tuple[str, ...], texts: tuple[str, ...]) -> None:
    ended = seqlab_here(folder, *words)
    assert ended.returncode == 2, ended.stderr
    assert all(text in ended.stderr for text in texts), ended.stderr
