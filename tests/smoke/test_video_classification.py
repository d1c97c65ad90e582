"""Train, evaluate and ask through the seqlab command, as a person would."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import Ended, done, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("video_classification")

av = pytest.importorskip("av")

MODELS = catalog.fitting("video_classification", "model")
TINY = (
    "task=video_classification",
    "data.source.num_train=11",
    "data.source.num_val=4",
    "data.source.num_test=6",
    "data.source.side=16",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
SMALL_C3D = ("model.widths=[2,2,2,2,2]", "model.fc_size=4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("video_classification")
    with av.open(str(folder / "goal.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(35):
            pixels = np.full((32, 32, 3), 7 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Ended:
    """What training C3D said; its run is `c3d`."""
    looks = ("task.deconvolution=[conv2a]", "data.clips_per_video=3")
    return done(seqlab_here(folder, "train", *TINY, *SMALL_C3D, *looks, "run_dir=c3d"))


def test_a_run_leaves_what_it_promises(folder: Path, trained: Ended) -> None:
    run = folder / "c3d"
    metrics = json.loads((run / "metrics.json").read_text())
    names = {"loss", "clip_accuracy", "video_accuracy", "top5_accuracy"}
    for split in ("val", "test"):
        found = {name for name in metrics if name.startswith(f"{split}/")}
        assert found == {f"{split}/{name}" for name in names}
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"test:{number}" for number in range(1, 7)]
    right = sum(row["answer"] == row["label"] for row in rows)
    assert metrics["test/video_accuracy"] == pytest.approx(right / 6)
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    assert drawn == {
        "test_1.png",
        "test_1_seen.png",
        "filters.png",
        "classes.png",
        "confusion.png",
    }
    assert "6 classes of test" in trained.stdout


def test_evaluation_repeats_the_numbers_of_training(folder: Path, trained: Ended) -> None:
    kept = folder / "c3d/metrics.json"
    before = json.loads(kept.read_text())
    done(seqlab_here(folder, "eval", "run=c3d", "threads=1"))
    assert json.loads(kept.read_text()) == before


def test_a_file_gets_a_class_and_a_moving_picture(folder: Path, trained: Ended) -> None:
    given = ("run=c3d", "input=goal.mp4", "output=out", "threads=1")
    ended = done(seqlab_here(folder, "predict", *given))
    (row,) = [json.loads(line) for line in (folder / "out/predictions.jsonl").open()]
    assert [clip["start"] for clip in row["clips"]] == pytest.approx([0.0, 0.75, 1.5], abs=0.06)
    assert row["figure"] == "out/goal.png"
    assert f"{row['text']}   probability" in ended.stdout
    with Image.open(folder / row["moving"]) as moving:
        assert moving.n_frames == 28  # 3.5 seconds of 8 frames


def test_a_file_that_is_no_video(folder: Path, trained: Ended) -> None:
    (folder / "words.mp4").write_text("no video")
    given = ("run=c3d", "input=words.mp4", "output=none", "threads=1")
    ended = seqlab_here(folder, "predict", *given)
    assert ended.returncode in (1, 2)
    assert "words.mp4: cannot be opened as a video" in ended.stderr


def test_a_layer_that_is_not_there(folder: Path) -> None:
    ended = seqlab_here(folder, "train", *TINY, *SMALL_C3D, "task.deconvolution=[conv2b]")
    assert ended.returncode == 2
    assert "task.deconvolution: is no layer of the trunk\n  given: conv2b\n" in ended.stderr
    assert "did you mean: conv" in ended.stderr


@pytest.mark.parametrize("model", [name for name in MODELS if name != "c3d"])
def test_every_model_trains(model: str, folder: Path) -> None:
    done(seqlab_here(folder, "train", *TINY, f"model={model}", f"run_dir={model}"))
    assert (folder / model / "DONE").exists()
