"""Train, evaluate and predict through the seqlab command, as a person would."""

import json
import shutil
from pathlib import Path

import pytest

from seqlab.config import catalog
from tests.smoke.command import TINY, seqlab

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("captioning")

SCENES = Path(__file__).parents[2] / "docs" / "scenes"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained show, attend and tell."""
    folder = tmp_path_factory.mktemp("captioning")
    ended = seqlab(folder, "train", *TINY, "task.num_figures=2", "run_dir=run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "run"


def test_a_run_leaves_what_it_promises(run_dir: Path) -> None:
    for name in ("config.yaml", "overrides.txt", "env.json", "metrics.csv", "train.log", "DONE"):
        assert (run_dir / name).stat().st_size > 0, name
    for name in ("best.ckpt", "last.ckpt"):
        assert (run_dir / "checkpoints" / name).exists()
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert {"val/loss", "test/loss", "test/cider", "test/pointing_accuracy"} <= set(metrics)
    # Without Java a score is missing, never 0, and the run says why.
    assert metrics.get("test/meteor") is None
    assert "java is not on the PATH" in metrics["test/caption_signature"]


def test_evaluation_repeats_the_numbers_of_training(run_dir: Path) -> None:
    before = json.loads((run_dir / "metrics.json").read_text())
    ended = seqlab(run_dir.parent, "eval", f"run={run_dir}", "threads=1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads((run_dir / "metrics.json").read_text()) == before
    drawn = sorted(path.name for path in (run_dir / "figures" / "test").iterdir())
    assert "captions.png" in drawn


def test_an_ensemble_of_equals_is_each_of_them(run_dir: Path) -> None:
    before = json.loads((run_dir / "metrics.json").read_text())
    twin = run_dir.parent / "a twin"
    shutil.copytree(run_dir, twin)
    given = ("eval", f"run=[{run_dir},{twin}]", "output=both", "threads=1", "num_figures=1")
    ended = seqlab(run_dir.parent, *given)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ensemble of 2, best checkpoint, test" in ended.stdout
    found = json.loads((run_dir.parent / "both/metrics.json").read_text())
    for name, value in found.items():
        assert before[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-4))
    assert json.loads((run_dir / "metrics.json").read_text()) == before


def test_prediction_captions_pictures(run_dir: Path) -> None:
    out = run_dir.parent / "out"
    given = ("predict", f"run={run_dir}", f"input={SCENES}/*.png", f"output={out}", "threads=1")
    ended = seqlab(run_dir.parent, *given)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [Path(line["source"]).name for line in lines] == sorted(
        path.name for path in SCENES.iterdir()
    )
    assert all(line["log_probability"] < 0 for line in lines)
    assert "log-probability" in ended.stdout


def test_corrupt_pictures_are_named_together(run_dir: Path) -> None:
    album = run_dir.parent / "album"
    shutil.copytree(SCENES, album)
    whole = sorted(album.iterdir())[-1].read_bytes()
    (album / "cut.png").write_bytes(whole[: len(whole) // 2])
    (album / "text.png").write_bytes(b"no picture")
    given = (f"run={run_dir}", f"input={album}", f"output={album / 'out'}", "batch_size=1")
    ended = seqlab(run_dir.parent, "predict", *given, "threads=1")
    assert ended.returncode == 2
    assert "cut.png: cannot be read as an image" in ended.stderr
    assert "text.png: cannot be read as an image" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (album / "out/predictions.txt").exists()


@pytest.mark.parametrize(
    "model", [name for name in catalog.fitting("captioning", "model") if name != "show_attend_tell"]
)
def test_every_model_trains(model: str, tmp_path: Path) -> None:
    ended = seqlab(tmp_path, "train", *TINY, f"model={model}", "run_dir=run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "run" / "DONE").exists()
