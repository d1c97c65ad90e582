"""A conf folder that later models and data sets do not change."""

import shutil
from pathlib import Path

import pytest

from seqlab.config import catalog

COPIED = {
    ".": ("train", "eval", "predict"),
    "task": ("captioning",),
    "model": ("show_attend_tell", "show_tell", "neuraltalk"),
    "data": ("scenes", "flickr8k"),
    "backbone": ("small_conv", "small_conv_pretrained", "vgg16", "timm"),
    "recurrent": ("lstm", "retentive_lstm", "gru", "elman"),
    "attention": ("additive", "hard", "dot"),
    "attention/score": ("additive", "dot"),
    "decoding": ("beam", "greedy"),
    "optimizer": ("adam", "sgd"),
    "scheduler": ("constant", "cosine", "step"),
    "trainer": ("default", "cpu"),
    "callbacks": ("default",),
    "logger": ("csv",),
}


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copied yaml files, and two of other tasks; `catalog` and `compose` read them."""
    real, folder = catalog.conf_dir(), tmp_path / "conf"
    for group, names in COPIED.items():
        (folder / group).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(real / group / f"{name}.yaml", folder / group)
    (folder / "model/stranger.yaml").write_text("# Of another task\n_target_: torch.nn.Identity\n")
    (folder / "data/stranger.yaml").write_text(
        "# Of another task\n_target_: lightning.LightningDataModule\n"
    )
    monkeypatch.setattr(catalog, "conf_dir", lambda: folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQLAB_DATA", raising=False)
    monkeypatch.delenv("SEQLAB_RUNS", raising=False)
    return folder
