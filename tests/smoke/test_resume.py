"""A run that was stopped anywhere and resumed is, bit for bit, the run that was not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from seqlab.config.compose import compose

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("resume")

SCRIPT = Path(__file__).parent / "tiny_runs.py"

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no_rows": {"trainer.log_every_n_steps": 4, "callbacks.checkpoints.every_steps": None},
    "often_validated": {"trainer.val_check_interval": 2, "callbacks.checkpoints.every_steps": 1},
    "accumulating": {"trainer.accumulate_grad_batches": 4},
    "stepwise": {"trainer.max_steps": 15, "trainer.max_epochs": -1, "scheduler.interval": "step"},
    "early_stopped": {
        "callbacks.early_stopping.patience": 1,
        "callbacks.early_stopping.min_delta": 100.0,
        "trainer.max_epochs": 6,
    },
    "workers": {"data.num_workers": 2},
    "plateau": {
        "scheduler.scheduler": {
            "_target_": "torch.optim.lr_scheduler.ReduceLROnPlateau",
            "mode": "min",
            "patience": 0,
            "threshold": 10.0,
        },
        "trainer.check_val_every_n_epoch": 1,
    },
    "seldom_validated": {"trainer.check_val_every_n_epoch": 2, "trainer.max_epochs": 4},
    "translation": {},
    "algorithmic": {},
    "memory_qa": {},
    "instance_segmentation": {},
    "segmentation": {},
    "video_captioning": {},
    "surface_normals": {},
}
# Six batches in another order in every epoch, with dropout, and attention that is drawn by chance.
TRANSLATION = (
    "task=translation",
    "data.source.num_train=60",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.batch_tokens=100",
    "model.embedding_dim=8",
    "model.encoder_dim=8",
    "model.hidden_dim=16",
    "model.maxout_dim=8",
    "model.dropout=0.4",
    "attention=hard",
    "decoding=greedy",
    "task.decoding.max_length=8",
    "task.num_figures=0",
)
# A curriculum that moves with the epochs, and a task that counts what it has seen.
ALGORITHMIC = (
    "task=algorithmic",
    "curriculum=combined",
    "data.curriculum.growth_epochs=2",
    "data.algorithm.num_bits=1",
    "data.difficulties=[1,2]",
    "data.test_difficulties=[2,3]",
    "data.num_train=24",
    "data.num_val=8",
    "data.num_test=4",
    "data.batch_size=4",
    "model.hidden_dim=8",
    "model.recurrent.num_slots=4",
    "model.recurrent.slot_size=3",
    "task.solved_error=0.9",
    "task.num_figures=0",
)
# A linear start that ends with the second epoch, and memories that are moved by chance.
MEMORY_QA = (
    "task=memory_qa",
    "data.source.num_train=8",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.batch_size=8",
    "model.embedding_dim=8",
    "model.linear_start_epochs=2",
    "model.time_noise=0.5",
    "task.num_figures=0",
)
# Two rates, a rate that falls, and pictures that are changed by chance.
SEGMENTATION = (
    "task=segmentation",
    "data.source.num_train=12",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.source.side=32",
    "data.batch_size=2",
    "data.augmentation.scale=[0.5,2.0]",
    "data.augmentation.crop=true",
    "data.augmentation.hue=0.1",
    "task.backbone_rate_factor=0.5",
    "task.num_figures=0",
)
# Anchors that are trained on by chance, and boxes that are proposed by what was learnt.
INSTANCES = (
    "task=instance_segmentation",
    "data.source.num_train=6",
    "data.source.num_val=2",
    "data.source.num_test=2",
    "data.source.side=32",
    "data.batch_size=1",
    "model.backbone.widths=[4,6,8]",
    "model.channels=6",
    "model.hidden_dim=8",
    "model.num_proposals=4",
    "model.warp_size=6",
    "task.num_figures=0",
)
# Steps of a model that are all trained, and pictures that are mirrored and moved by chance.
SURFACE_NORMALS = (
    "task=surface_normals",
    "model=recurrent_cnn",
    "data.source.num_train=12",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.source.size=[24,32]",
    "data.batch_size=2",
    "data.augmentation.scale=[0.5,2.0]",
    "data.augmentation.crop=true",
    "task.num_figures=0",
)
# Captions that are drawn by chance in every epoch, and frames that are looked at by chance.
VIDEO_CAPTIONING = (
    "task=video_captioning",
    "data.source.num_train=12",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.source.side=16",
    "data.max_frames=4",
    "data.captions_per_video=2",
    "data.batch_size=2",
    "model.backbone.channels=8",
    "model.embedding_dim=8",
    "model.hidden_dim=8",
    "model.dropout=0.4",
    "attention=hard",
    "decoding=greedy",
    "task.decoding.max_length=4",
    "task.num_figures=0",
)
COMPOSED = {
    "translation": TRANSLATION,
    "algorithmic": ALGORITHMIC,
    "memory_qa": MEMORY_QA,
    "segmentation": SEGMENTATION,
    "instance_segmentation": INSTANCES,
    "video_captioning": VIDEO_CAPTIONING,
    "surface_normals": SURFACE_NORMALS,
}

# Three epochs of six batches, validated on two, tested on two.
HOOKS = {
    "first_batch": "on_train_batch_start:1",
    "second_batch": "on_train_batch_end:2",
    "mid_epoch": "on_train_batch_end:9",
    "last_batch": "on_train_batch_end:12",
    "before_validation": "on_validation_start:2",
    "in_validation": "on_validation_batch_end:3",
    "after_validation": "on_validation_end:2",
    "epoch_end": "on_train_epoch_end:2",
    "epoch_start": "on_train_epoch_start:3",
    "last_epoch_end": "on_train_epoch_end:3",
    "fit_end": "on_fit_end:1",
    "in_test": "on_test_batch_end:1",
    "test_end": "on_test_end:1",
}
Case = tuple[str, tuple[str, ...]]  # the settings, and where each process of the run ends
CASES: list[Case] = [("plain", (f"{hook}:SIGKILL",)) for hook in HOOKS.values()]
CASES += [
    ("plain", (f"{HOOKS['mid_epoch']}:SIGTERM",)),
    ("plain", (f"{HOOKS['in_test']}:SIGTERM",)),
    ("plain", ("on_train_batch_end:3:SIGINT", "on_validation_batch_end:1:SIGINT")),
    ("often_validated", ("on_train_batch_end:2:SIGTERM", "on_validation_end:2:SIGKILL")),
    ("often_validated", (f"{HOOKS['after_validation']}:SIGTERM",)),  # in the middle of an epoch
    ("accumulating", (f"{HOOKS['mid_epoch']}:SIGTERM",)),
    ("stepwise", ("on_train_epoch_start:2:SIGTERM", "on_train_batch_end:2:SIGTERM")),
    ("early_stopped", ("on_test_start:1:SIGKILL",)),
    ("workers", (f"{HOOKS['mid_epoch']}:SIGTERM",)),
    ("plateau", (f"{HOOKS['in_validation']}:SIGTERM",)),
    ("translation", (f"{HOOKS['mid_epoch']}:SIGKILL", f"{HOOKS['in_test']}:SIGTERM")),
    ("algorithmic", (f"{HOOKS['mid_epoch']}:SIGKILL", f"{HOOKS['in_validation']}:SIGTERM")),
    ("memory_qa", (f"{HOOKS['mid_epoch']}:SIGKILL", f"{HOOKS['in_test']}:SIGTERM")),
    ("segmentation", (f"{HOOKS['mid_epoch']}:SIGKILL", f"{HOOKS['in_validation']}:SIGTERM")),
    ("instance_segmentation", (f"{HOOKS['mid_epoch']}:SIGKILL",)),
    ("video_captioning", (f"{HOOKS['mid_epoch']}:SIGKILL",)),
    ("surface_normals", (f"{HOOKS['mid_epoch']}:SIGKILL", f"{HOOKS['in_validation']}:SIGTERM")),
]
MORE_CASES: list[Case] = [
    (settings, (f"{hook}:{number}",))
    for settings in SETTINGS
    for hook in HOOKS.values()
    for number in ("SIGKILL", "SIGTERM")
    if (settings, (f"{hook}:{number}",)) not in CASES
    and not (settings == "early_stopped" and hook.endswith(":3") and "epoch" in hook)  # ends at 2
]
MORE_CASES += [
    ("plain", ("on_train_batch_end:5:SIGKILL", "on_train_batch_end:5:SIGKILL")),
    ("often_validated", tuple("on_train_batch_end:2:SIGTERM" for _ in range(8))),
    ("early_stopped", ("on_train_end:1:SIGKILL",)),
    ("stepwise", ("on_train_epoch_start:2:SIGTERM", "on_train_epoch_start:1:SIGTERM")),
]


def changes(settings: str) -> dict[str, Any]:
    """What a run has instead of the tiny task's own."""
    if settings not in COMPOSED:
        return SETTINGS[settings]
    config: Any = OmegaConf.to_container(compose("train", COMPOSED[settings]), resolve=True)
    return {part: config[part] for part in ("task", "model", "data", "optimizer", "choices")}


def name(settings: str, kills: tuple[str, ...] = ()) -> str:
    return "_".join((settings, *kills)).replace(":", "_")


class Runs:
    """Runs that are done, and the exit status of each of their processes."""

    def __init__(self, folder: Path, cases: list[Case]) -> None:
        self.folder = folder
        wanted: list[Case] = [(settings, ()) for settings, _ in cases]
        wanted = list(dict.fromkeys(wanted + cases))
        scenarios = [
            {"folder": str(folder / name(*case)), "changes": changes(case[0]), "kills": case[1]}
            for case in wanted
        ]
        listed = folder / "scenarios.json"
        listed.write_text(json.dumps(scenarios))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, str(SCRIPT), str(listed)]
        process = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert process.returncode == 0, process.stderr
        self.statuses = dict(zip(wanted, json.loads(process.stdout), strict=True))

    def check(self, case: Case) -> None:
        """The run ended where it was told to, then at its end, and like the one left alone."""
        stopped, whole = self.folder / name(*case), self.folder / name(case[0])
        assert self.statuses[case[0], ()] == [0], Path(f"{whole}.out").read_text()
        said = Path(f"{stopped}.out").read_text()
        *ended, last = self.statuses[case]
        for kill, status in zip(case[1], ended, strict=True):
            assert status == (-9 if kill.endswith("SIGKILL") else 130), said
        assert last == 0, said
        for file in ("metrics.csv", "metrics.json", "predictions/test.jsonl"):
            assert (stopped / file).read_text() == (whole / file).read_text(), file
        for file in ("best.ckpt", "last.ckpt"):
            first, second = (
                torch.load(each / "checkpoints" / file, weights_only=True)
                for each in (stopped, whole)
            )
            compared = ("epoch", "global_step", "state_dict", "optimizer_states", "schedule")
            for key in (*compared, "seqlab_state"):
                assert same(first[key], second[key]), (file, key)


def same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return bool(torch.equal(first, second)) and first.dtype == second.dtype
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"), CASES)


@pytest.fixture(scope="module")
def more_runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("more_runs"), MORE_CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: name(*case))
def test_a_stopped_run_ends_like_one_that_was_not(runs: Runs, case: Case) -> None:
    runs.check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", MORE_CASES, ids=lambda case: name(*case))
def test_everywhere(more_runs: Runs, case: Case) -> None:
    more_runs.check(case)


def test_a_run_reports(runs: Runs) -> None:
    folder = runs.folder / "plain"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"val/loss", "test/loss", "test/loss_signature", "epoch", "step"} == set(metrics)
    assert (folder / "DONE").exists()
    assert (folder / "figures" / "curves.png").stat().st_size > 1000
    said = Path(f"{folder}.out").read_text()
    assert f"seqlab eval run={folder}" in said
    assert "epoch 3, step 18: val/loss" in said


def test_a_stopped_run_says_how_to_go_on(runs: Runs) -> None:
    folder = runs.folder / name("plain", (f"{HOOKS['mid_epoch']}:SIGTERM",))
    assert f"seqlab train resume={folder}" in Path(f"{folder}.out").read_text()
