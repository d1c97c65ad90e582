"""Runs that start from the backbone of another, and rescaled weights, through the command."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from tests.smoke.command import done, seqlab_here
from tests.smoke.test_image_classification import TINY

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("init_from")

UNTRAINED = "trainer.max_epochs=0"
SEGMENTATION = (
    "task=segmentation",
    "model=fcn",
    "backbone=small_conv",
    "model.backbone.channels=8",
    "data.source.num_train=2",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.source.side=32",
    "data.batch_size=2",
    "task.num_figures=0",
    "trainer.accelerator=cpu",
    "threads=1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `source` is a trained classifier."""
    folder = tmp_path_factory.mktemp("init_from")
    done(seqlab_here(folder, "train", *TINY, "task.num_figures=0", "run_dir=source"))
    return folder


def backbone(run: Path, which: str = "best") -> dict[str, Tensor]:
    content = torch.load(run / "checkpoints" / f"{which}.ckpt", weights_only=True)
    begins = "model.backbone."
    return {name: t for name, t in content["state_dict"].items() if name.startswith(begins)}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("given", ["source", "source/checkpoints/last.ckpt"])
def test_another_task_starts_from_the_backbone(folder: Path, given: str) -> None:
    run = folder / ("from_run" if given == "source" else "from_file")
    words = (*SEGMENTATION, UNTRAINED, f"init_from={given}", f"run_dir={run.name}")
    said = done(seqlab_here(folder, "train", *words)).stdout
    which = "best" if given == "source" else "last"
    assert same(backbone(run), backbone(folder / "source", which))
    count = len(backbone(run))
    assert f"{count} of {count} tensors of the backbone are taken" in said
    assert "what starts anew: scores" in said
    assert OmegaConf.load(run / "config.yaml").init_from == given


def test_a_run_that_goes_on_does_not_start_again(folder: Path) -> None:
    shutil.copytree(folder / "source", folder / "passing")
    words = (*TINY, "scheduler=constant", "init_from=passing", "run_dir=onwards")
    done(seqlab_here(folder, "train", *words, UNTRAINED))
    assert same(backbone(folder / "onwards"), backbone(folder / "source"))
    shutil.rmtree(folder / "passing")
    done(seqlab_here(folder, "train", "resume=onwards", "trainer.max_epochs=1"))
    trained = backbone(folder / "onwards", "last")
    assert not same(trained, backbone(folder / "source"))
    said = done(seqlab_here(folder, "train", *words, "trainer.max_epochs=2")).stdout
    assert "tensors of the backbone" not in said
    assert json.loads((folder / "onwards" / "metrics.json").read_text())["epoch"] in (1, 2)


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (("init_from=sourc",), ("init_from: there is no such run", "sourc")),
        (("init_from=empty",), ("there is no checkpoint empty/checkpoints/best.ckpt",)),
        (("init_from=text.ckpt",), ("init_from", "text.ckpt")),
        (
            ("init_from=source", "model.backbone.channels=12"),
            (
                "other sizes",
                "backbone.layers.0.weight is 2 x 5 x 4 x 4 there and 3 x 5 x 4 x 4 here",
            ),
        ),
        (
            ("init_from=source", "backbone=shallow_pyramid"),
            ("nothing in common", "backbone.layers.0.weight", "backbone.layers.0.0.weight"),
        ),
    ],
)
def test_what_does_not_fit_ends_with_2(
    folder: Path, words: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "text.ckpt").write_text("no checkpoint")
    given = [word for word in TINY if "channels" not in word or "shallow" not in str(words)]
    ended = seqlab_here(folder, "train", *given, UNTRAINED, *words)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert all(text in " ".join(ended.stderr.split()) for text in texts), ended.stderr


def test_a_model_without_backbone_is_named(folder: Path) -> None:
    words = ("task=segmentation", *SEGMENTATION[4:], "model=segnet", "init_from=source")
    ended = seqlab_here(folder, "train", *words, UNTRAINED)
    assert ended.returncode == 2
    assert "this model has no backbone, but" in ended.stderr


def test_rescaled_scores(folder: Path) -> None:
    words = (*TINY, UNTRAINED, "init_from=source", "init_rescale=true", "run_dir=rescaled")
    said = done(seqlab_here(folder, "train", *words)).stdout
    assert "rescaled by 2 batches: mean 0 and variance 1: scores" in said
    assert "left alone, up to the last that is normalised or not trained: backbone.layers.0" in said
    assert same(backbone(folder / "rescaled"), backbone(folder / "source"))
    ended = seqlab_here(folder, "train", *SEGMENTATION, UNTRAINED, "init_rescale=true")
    assert ended.returncode == 2
    assert "FCN cannot be rescaled: no layer is left" in ended.stderr
