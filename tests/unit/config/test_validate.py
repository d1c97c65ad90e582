"""The texts of what is wrong with a config, word for word, and what is right."""

from pathlib import Path

import pytest

from tests.unit.config.told import problems

pytestmark = pytest.mark.usefixtures("conf")


SOUND = [
    [],
    ["attention=hard", "score=dot"],
    ["optimizer=sgd", "scheduler=step", "trainer=cpu"],
    ["model=show_tell", "recurrent=gru", "decoding=greedy"],
    ["optimizer.lr=1", "trainer.limit_val_batches=3", "seeds=2"],
    ["restarts=10", "n_jobs=null"],
    ["restarts=3", "select=train", "n_jobs=2", "trainer.limit_val_batches=0"],
    ["backbone=vgg16", "model.backbone.weights=hub"],
    ["backbone=vgg16", "model.backbone.weights=null"],
    ["+task.auxiliary_weights.doubly_stochastic=0.5"],
]


@pytest.mark.parametrize("overrides", SOUND, ids=" ".join)
def test_sound_configs_have_no_problems(overrides: list[str]) -> None:
    assert problems("train", *overrides) == ""


# One text for each of the dangerous cases.
GOLDEN = {
    "unknown argument": (
        ["+model.dropot=0.9"],
        "model.dropot: ShowAttendTell has no argument dropot\n"
        "  given: 0.9\n"
        "  allowed: attention, backbone, dropout, embedding_dim, hidden_dim, recurrent\n"
        "  did you mean: model.dropout?",
    ),
    "unknown key": (
        ["model.dropot=0.9"],
        "model.dropot: model has no setting dropot\n"
        "  given: 0.9\n"
        "  allowed: attention, backbone, dropout, embedding_dim, hidden_dim, recurrent\n"
        "  did you mean: model.dropout?",
    ),
    "unknown argument of a nested part": (
        ["+model.attention.score.hiden_dim=3"],
        "model.attention.score.hiden_dim: AdditiveScore has no argument hiden_dim\n"
        "  given: 3\n"
        "  allowed: hidden_dim, query_dim, value_dim\n"
        "  did you mean: model.attention.score.hidden_dim?",
    ),
    "wrong types": (
        [
            "trainer.max_epochs=abc",
            "optimizer.lr=1e-3x",
            "seed=1.5",
            "scheduler.interval=epochs",
            "data.batch_size=many",
        ],
        "seed: is of the wrong type\n"
        "  given: 1.5\n"
        "  allowed: a whole number\n"
        "\n"
        "data.batch_size: is of the wrong type\n"
        "  given: many\n"
        "  allowed: a whole number\n"
        "\n"
        "optimizer.lr: is of the wrong type\n"
        "  given: 1e-3x\n"
        "  allowed: a number\n"
        "\n"
        "scheduler.interval: is of the wrong type\n"
        "  given: epochs\n"
        "  allowed: step, epoch\n"
        "\n"
        "trainer.max_epochs: is of the wrong type\n"
        "  given: abc\n"
        "  allowed: a whole number",
    ),
    "numbers of the trainer out of their range": (
        ["trainer.devices=x", "trainer.max_epochs=-3"],
        "trainer.max_epochs: is too small\n"
        "  given: -3\n"
        "  allowed: a whole number from -1 upwards\n"
        "\n"
        "trainer.devices: are no devices\n"
        "  given: x\n"
        "  allowed: auto, how many, from 1 upwards, -1: all, a list of which ones",
    ),
    "no such choice": (
        ["trainer=b"],
        "trainer: there is no trainer of that name\n  given: b\n  allowed: cpu, default",
    ),
    "a model that does not fit the task": (
        ["model=stranger"],
        "model: does not fit the task captioning: it is no CaptioningModel\n"
        "  given: stranger\n"
        "  allowed: neuraltalk, show_attend_tell, show_tell",
    ),
    "data that does not fit the task": (
        ["data=stranger"],
        "data: does not fit the task captioning: its batches are no CaptionBatch\n"
        "  given: stranger\n"
        "  allowed: flickr8k, scenes",
    ),
    "a part that the model has no slot for": (
        ["model=show_tell", "attention=hard"],
        "attention: show_tell has no slot for it; its parts are backbone, decoding, recurrent; "
        "models of captioning with such a slot: show_attend_tell\n"
        "  given: hard",
    ),
    "a part as a value": (
        ["model.attention=hard"],
        "model.attention: is no part; a part is chosen with attention=hard\n"
        "  given: hard\n"
        "  allowed: a part of type Attention",
    ),
    "a part of another kind": (
        ["model.recurrent._target_=seqlab.components.attention.soft.SoftAttention"],
        "model.recurrent: is not what its place asks for\n"
        "  given: SoftAttention\n"
        "  allowed: a part of type RecurrentCell",
    ),
    "a size that the data supplies, as if it were in the yaml": (
        ["model.vocab_size=100"],
        "model.vocab_size: the data supplies it; leave it out\n  given: 100",
    ),
    "a size that the data supplies": (
        ["+model.vocab_size=100", "+model.attention.pad_id=3"],
        "model.vocab_size: the data supplies it; leave it out\n"
        "  given: 100\n"
        "\n"
        "model.attention.pad_id: the data supplies it; leave it out\n"
        "  given: 3",
    ),
    "a target outside the allow-list": (
        ["model.backbone._target_=os.system"],
        "model.backbone._target_: may not be called; allow=[os] on the command line allows more\n"
        "  given: os.system\n"
        "  allowed: seqlab.*, torch.nn.*, torch.optim.*, torchmetrics.*, lightning.*",
    ),
    "a target through an allowed module": (
        ["optimizer._target_=seqlab.config.build.os.system"],
        "optimizer._target_: there is no module seqlab.config.build.os\n"
        "  given: seqlab.config.build.os.system",
    ),
    "a missing data folder": (
        ["data=flickr8k", "paths.data=nowhere"],
        "data: there is no folder nowhere/flickr8k (paths.data or SEQLAB_DATA moves it); "
        "to get it: seqlab data get flickr8k\n"
        "  given: flickr8k",
    ),
    "a missing weights file": (
        ["backbone=vgg16", "model.backbone.weights=nowhere/vgg.pth"],
        "model.backbone.weights: there is no such file\n"
        "  given: nowhere/vgg.pth\n"
        "  allowed: the path of a file, hub: timm downloads them, null: random weights",
    ),
    "what has to be given": (
        ["backbone=timm"],
        "model.backbone.name: has to be given: model.backbone.name=...\n  allowed: text",
    ),
    "what is left out": (
        ["~optimizer", "~model.dropout"],
        "model.dropout: ShowAttendTell needs it and nothing gives it\n"
        "\n"
        "optimizer: a part has to stand here, with a _target_",
    ),
    "numbers out of range": (
        ["seeds=0", "threads=-1"],
        "seeds: is too small\n"
        "  given: 0\n"
        "  allowed: a whole number from 1 upwards\n"
        "\n"
        "threads: is too small\n"
        "  given: -1\n"
        "  allowed: a whole number from 1 upwards",
    ),
    "restarts of several seeds": (
        ["seeds=3", "restarts=10"],
        "restarts: does not go with seeds, of which one would be a restart of another; "
        "seqlab sweep seed=1,101,201 restarts=N repeats the restarts\n"
        "  given: 10",
    ),
    "a choice between restarts that is none": (
        ["restarts=3", "select=vl"],
        "select: there is no such choice\n  given: vl\n  allowed: val, train\n  did you mean: val?",
    ),
    "a choice without restarts, and nothing that goes on at once": (
        ["select=train", "n_jobs=2"],
        "select: chooses between restarts, of which there are none: restarts=N\n"
        "  given: train\n"
        "\n"
        "n_jobs: says how many runs go on at once, but there is one: seeds=N or restarts=N\n"
        "  given: 2",
    ),
    "a choice by validation where there is none": (
        ["restarts=3", "trainer.limit_val_batches=0"],
        "select: nothing is validated: trainer.limit_val_batches is 0\n"
        "  given: val\n"
        "  allowed: train",
    ),
    "an unknown key at the top": (
        ["+sead=3"],
        "sead: seqlab train has no such setting\n"
        "  allowed: allow, callbacks, data, deterministic, init_from, init_rescale, logger, model, "
        "n_jobs, optimizer, paths, restarts, resume, run_dir, scheduler, seed, seeds, select, "
        "task, threads, trainer\n"
        "  did you mean: seed?",
    ),
    "an interpolation that leads nowhere": (
        ["data.seed=${sead}"],
        "data.seed: refers to a key that is not there\n  given: ${sead}",
    ),
    "a run that is not there": (
        ["resume=runs/nope"],
        "resume: there is no run with a config.yaml\n  given: runs/nope",
    ),
    "a package that is not there": (
        ["allow=[no_such_package]"],
        "allow: there is no such package\n  given: no_such_package",
    ),
    "keys of Hydra in a part": (
        ["+model.attention._partial_=true"],
        "model.attention._partial_: has no meaning in a part (SoftAttention)",
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_texts_of_problems(case: str) -> None:
    overrides, text = GOLDEN[case]
    assert problems("train", *overrides) == text


def test_all_problems_are_told_together() -> None:
    text = problems("train", "trainer=b", "+model.dropot=1", "optimizer.lr=x", "model=show_tell")
    keys = [line.partition(":")[0] for line in text.splitlines() if not line.startswith(" ")]
    assert [key for key in keys if key] == ["trainer", "model.dropot", "optimizer.lr"]


def test_files_of_a_data_set(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    overrides = ["data=flickr8k", f"data.source.folder={folder}"]
    text = problems("train", *overrides)
    assert text.startswith(f"data: the folder {folder} lacks Flickr8k.token.txt, Flickr_8k.train")
    for split in ("train", "dev", "test"):
        (folder / f"Flickr_8k.{split}Images.txt").touch()
    assert "lacks Flickr8k.token.txt; to get it" in problems("train", *overrides)
    (folder / "Flickr8k.token.txt").touch()
    assert problems("train", *overrides) == ""
