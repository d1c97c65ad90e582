"""Train, evaluate and ask through the seqlab command, as a person would."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.smoke.command import Ended, done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("instance_segmentation")

mask_coding = pytest.importorskip("pycocotools.mask")

TINY = (
    "task=instance_segmentation",
    "data.source.num_train=6",
    "data.source.num_val=3",
    "data.source.num_test=4",
    "data.source.side=32",
    "data.batch_size=3",
    "task.num_figures=1",
    "task.shown_score=0.0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
SMALL = {
    "mnc": ("model.channels=6", "model.hidden_dim=8", "model.num_proposals=4"),
    "sds": ("model.hidden_dim=8", "model.num_sampled=4"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("instance_segmentation")
    pixels = np.full((40, 70, 3), 90, np.uint8)
    pixels[10:30, 20:45] = (210, 40, 40)
    Image.fromarray(pixels).save(folder / "red.png")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Ended:
    """What training SDS said; its run is `sds`."""
    given = ("model=sds", *SMALL["sds"], "run_dir=sds")
    return done(seqlab_here(folder, "train", *TINY, *given))


def test_a_run_leaves_what_it_promises(folder: Path, trained: Ended) -> None:
    run = folder / "sds"
    metrics = json.loads((run / "metrics.json").read_text())
    for split in ("val", "test"):
        found = {name for name in metrics if name.startswith(f"{split}/")}
        assert found == {f"{split}/{name}" for name in ("ap50", "ap70", "ap")}
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"shapes-0-{number:05d}" for number in range(9, 13)]
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    assert drawn == {"shapes-0-00009.png", "classes.png"}
    assert "classes of test" in trained.stdout


def test_evaluation_repeats_the_numbers_of_training(folder: Path, trained: Ended) -> None:
    kept = folder / "sds/metrics.json"
    before = json.loads(kept.read_text())
    done(seqlab_here(folder, "eval", "run=sds", "threads=1"))
    assert json.loads(kept.read_text()) == before


def test_a_file_gets_objects_as_large_as_it_is(folder: Path, trained: Ended) -> None:
    given = ("run=sds", "input=red.png", "output=out", "threads=1")
    done(seqlab_here(folder, "predict", *given))
    (row,) = [json.loads(line) for line in (folder / "out/predictions.jsonl").open()]
    assert row["objects"]
    with Image.open(folder / row["numbers"]) as image:
        numbers = np.asarray(image)
    assert numbers.shape == (40, 70)
    first = mask_coding.decode(row["objects"][0]["segmentation"])
    np.testing.assert_array_equal(numbers == 1, first == 1)
    assert (folder / "out/red.png").exists()


def test_a_loss_that_is_not_there(folder: Path) -> None:
    given = ("model=mnc", *SMALL["mnc"], "+task.auxiliary_weights.masks=2.0", "run_dir=wrong")
    ended = seqlab_here(folder, "train", *TINY, *given)
    assert ended.returncode == 2
    assert "task.auxiliary_weights.masks: MNC has no such auxiliary term" in ended.stderr


def test_mnc_trains(folder: Path) -> None:
    done(seqlab_here(folder, "train", *TINY, "model=mnc", *SMALL["mnc"], "run_dir=mnc"))
    assert (folder / "mnc/DONE").exists()
