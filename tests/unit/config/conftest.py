"""A conf folder that later models and data sets do not change."""

import shutil
from pathlib import Path

import pytest

from seqlab.config import catalog

COPIED = [
    "train",
    "eval",
    "predict",
    "task/captioning",
    "model/show_attend_tell",
    "model/show_tell",
    "model/neuraltalk",
    "data/scenes",
    "data/flickr8k",
    "backbone/small_conv",
    "backbone/vgg16",
    "backbone/timm",
    "recurrent/lstm",
    "recurrent/gru",
    "recurrent/elman",
    "attention/additive",
    "attention/hard",
    "attention/dot",
    "attention/score/additive",
    "attention/score/dot",
    "decoding/beam",
    "decoding/greedy",
    "optimizer/adam",
    "optimizer/sgd",
    "scheduler/constant",
    "scheduler/step",
    "trainer/default",
    "trainer/cpu",
    "callbacks/default",
    "logger/csv",
]


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copied yaml files, and two of other tasks; `catalog` and `compose` read them."""
    real, folder = catalog.conf_dir(), tmp_path / "conf"
    for name in COPIED:
        target = folder / f"{name}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real / f"{name}.yaml", target)
    (folder / "model/stranger.yaml").write_text("# Of another task\n_target_: torch.nn.Identity\n")
    (folder / "data/stranger.yaml").write_text(
        "# Of another task\n_target_: lightning.LightningDataModule\n"
    )
    monkeypatch.setattr(catalog, "conf_dir", lambda: folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQLAB_DATA", raising=False)
    monkeypatch.delenv("SEQLAB_RUNS", raising=False)
    return folder
