"""Train, evaluate and ask through the seqlab command, as a person would."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from seqlab.config import catalog
from tests.smoke.command import Ended, done, seqlab_here
from tests.unit.data.test_video_files import write

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("video_captioning")

av = pytest.importorskip("av")

MODELS = catalog.fitting("video_captioning", "model")
TINY = (
    "task=video_captioning",
    "data.source.num_train=8",
    "data.source.num_val=3",
    "data.source.num_test=3",
    "data.source.side=16",
    "data.max_frames=8",
    "data.batch_size=4",
    "model.backbone.channels=8",
    "model.embedding_dim=8",
    "model.hidden_dim=8",
    "decoding=greedy",
    "task.decoding.max_length=4",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
LOCAL = (
    "local_features=c3d",
    "model.local_features.widths=[2,2]",
    "model.local_features.depths=[1,1]",
)


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its start takes longer than such a run; the scores that need it are tested where made."""
    monkeypatch.setenv("PATH", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("video_captioning")
    write(folder / "goal.mp4", 20, seconds=1.0)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Ended:
    """What training with attention said; its run is `attending`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        return done(seqlab_here(folder, "train", *TINY, *LOCAL, "run_dir=attending"))


def test_a_run_leaves_what_it_promises(folder: Path, trained: Ended) -> None:
    run = folder / "attending"
    metrics = json.loads((run / "metrics.json").read_text())
    names = {"loss", "perplexity", "token_accuracy", "bleu1", "bleu2", "bleu3", "bleu4"}
    names |= {"rouge_l", "cider", "attention_on_telling", "peak_on_telling"}
    for split in ("val", "test"):
        assert {f"{split}/{name}" for name in names} <= set(metrics)
        assert 0 <= metrics[f"{split}/attention_on_telling"] <= 1
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["test:1", "test:2", "test:3"]
    assert all(len(row["references"]) == 4 for row in rows)
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    assert drawn == {"captions.png", "test_1.png"}


def test_evaluation_repeats_the_numbers_of_training(folder: Path, trained: Ended) -> None:
    kept = folder / "attending/metrics.json"
    before = json.loads(kept.read_text())
    done(seqlab_here(folder, "eval", "run=attending", "threads=1"))
    assert json.loads(kept.read_text()) == before


def test_an_ensemble_of_equals_is_each_of_them(folder: Path, trained: Ended) -> None:
    before = json.loads((folder / "attending/metrics.json").read_text())
    shutil.copytree(folder / "attending", folder / "twin")
    given = ("run=[attending,twin]", "output=both", "threads=1", "num_figures=0")
    done(seqlab_here(folder, "eval", *given))
    for name, value in json.loads((folder / "both/metrics.json").read_text()).items():
        assert before[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-4))


def test_a_file_gets_a_caption_and_a_moving_picture(folder: Path, trained: Ended) -> None:
    given = ("run=attending", "input=goal.mp4", "output=out", "threads=1")
    ended = done(seqlab_here(folder, "predict", *given))
    (row,) = [json.loads(line) for line in (folder / "out/predictions.jsonl").open()]
    assert row["log_probability"] < 0
    assert "log-probability" in ended.stdout
    assert (folder / row["figure"]).stat().st_size > 1000
    with Image.open(folder / row["moving"]) as moving:
        assert moving.n_frames == 8


def test_a_file_that_is_no_video(folder: Path, trained: Ended) -> None:
    (folder / "words.mp4").write_text("no video")
    given = ("run=attending", "input=words.mp4", "output=none", "threads=1")
    ended = seqlab_here(folder, "predict", *given)
    assert ended.returncode in (1, 2)
    assert "words.mp4: cannot be opened as a video" in ended.stderr


@pytest.mark.parametrize("model", [name for name in MODELS if name != "temporal_attention"])
def test_every_model_trains(model: str, folder: Path) -> None:
    data = ("data=captioned_motion",) if model == "s2vt" else ()
    done(seqlab_here(folder, "train", *TINY, *data, f"model={model}", f"run_dir={model}"))
    assert (folder / model / "DONE").exists()
