"""Tiny training runs in processes that end themselves at a chosen hook; used by test_resume.py.

Run as `tiny_runs.py SCENARIOS.json`. Runs are forked from here: importing torch takes seconds.
"""

import json
import os
import random
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import seqlab  # noqa: F401  torchvision, which lightning imports, may need its help

# isort: split
import numpy as np
import torch
from lightning import LightningDataModule
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.utils.data import Dataset

from seqlab.data.loading import ResumableLoader
from seqlab.data.spec import Spec
from seqlab.run.train import train
from seqlab.tasks.base import Outcome, Schedule, Task
from seqlab.viz import curves  # noqa: F401  once, here, and not in each of the runs

KILL = "TINY_KILL"  # hook:count:signal, read by Kill alone


class Kill(Callback):
    """Sends this process a signal when a hook is called for the n-th time."""

    def __init__(self) -> None:
        hook, count, name = os.environ.get(KILL, "::").split(":")
        if not hook:
            return
        left = int(count)

        def called(*arguments: Any, **more: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), getattr(signal, name))

        setattr(self, hook, called)


@dataclass(frozen=True)
class TinySpec(Spec):
    inputs: int
    split_hash: str


class Noisy(Dataset[tuple[Tensor, Tensor, str]]):
    """Points of a noisy line, other ones in every epoch of training."""

    def __init__(self, training: bool) -> None:
        self.training = training

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor, str]:
        epoch, index = key if self.training else (-1, key[1])
        draw = torch.Generator().manual_seed(1000 * (epoch + 1) + index)
        x = torch.randn(4, generator=draw)
        return x, x.sum(0, keepdim=True), str(index)


class Shuffled:
    def __init__(self, count: int, shuffled: bool) -> None:
        self.count, self.shuffled = count, shuffled

    def batches(self, epoch: int) -> list[list[int]]:
        order = list(range(self.count))
        if self.shuffled:
            random.Random(f"epoch {epoch}").shuffle(order)
        return [order[i : i + 4] for i in range(0, self.count, 4)]


def collate(examples: list[tuple[Tensor, Tensor, str]]) -> tuple[Tensor, Tensor, list[str]]:
    x, y, ids = zip(*examples, strict=True)
    return torch.stack(x), torch.stack(y), list(ids)


class TinyData(LightningDataModule):
    batch_type: ClassVar = tuple

    def __init__(self, *, num_workers: int, split_hash: str) -> None:
        super().__init__()
        self.num_workers, self.split_hash = num_workers, split_hash

    @property
    def spec(self) -> TinySpec:
        return TinySpec(4, self.split_hash)

    def adopt(self, spec: TinySpec) -> None:
        assert spec == self.spec

    def _loader(self, count: int, shuffled: bool) -> ResumableLoader:
        plan = Shuffled(count, shuffled)
        return ResumableLoader(Noisy(shuffled), plan, collate, num_workers=self.num_workers)

    def train_dataloader(self) -> ResumableLoader:
        return self._loader(22, True)  # six batches, the last a small one

    def val_dataloader(self) -> ResumableLoader:
        return self._loader(8, False)

    def test_dataloader(self) -> ResumableLoader:
        return self._loader(8, False)


class TinyModel(nn.Module):
    def __init__(self, *, num_inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(num_inputs, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class TinyTask(Task):
    """Regression whose steps draw from every generator, also in validation."""

    interface: ClassVar = TinyModel
    batch_type: ClassVar = tuple
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar[Literal["min", "max"]] = "min"

    def __init__(
        self,
        *,
        model: TinyModel,
        spec: TinySpec,
        optimizer: Any,
        schedule: Schedule,
        nan_at: int,
        inf_gradient_at: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        self.nan_at, self.inf_gradient_at = nan_at, inf_gradient_at

    @staticmethod
    def sizes(spec: TinySpec) -> dict[str, Any]:
        return {"num_inputs": spec.inputs}

    def example_ids(self, batch: Any) -> list[str]:
        return batch[2]

    def batch_size(self, batch: Any) -> int:
        return len(batch[0])

    def _loss(self, batch: Any) -> Tensor:
        x, y, _ = batch
        noise = random.random() + np.random.rand() + torch.rand(()).item()
        return ((self.model(x) - y) ** 2).mean() + 0.1 * noise * self.model(x).mean()

    def train_batch(self, batch: Any) -> Outcome:
        loss = self._loss(batch)
        if self.global_step == self.nan_at:
            loss = loss * float("nan")
        if self.global_step == self.inf_gradient_at:
            weight = self.model.layers[0].weight
            loss = loss + (weight.sum() * 0.0).sqrt()  # 0, with an infinite slope
        return Outcome(loss, {"loss": loss})

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/loss", self._loss(batch), batch_size=len(batch[0]))

    def on_test_epoch_start(self) -> None:
        self.predictions = []

    def test_step(self, batch: Any, index: int) -> None:
        self.log(f"{self.evaluated_split}/loss", self._loss(batch), batch_size=len(batch[0]))
        answers = self.model(batch[0])[:, 0].tolist()
        self.predictions += [{"id": i, "answer": a} for i, a in zip(batch[2], answers, strict=True)]

    def predict_inputs(self, inputs: Any, datamodule: Any, output: Path) -> Any:
        yield from ()

    def signatures(self) -> dict[str, str]:
        return {"loss_signature": "squared"}


def tiny_config(folder: Path, **changes: Any) -> Any:
    """The config of a run in a folder, keys separated by dots changed."""
    config = OmegaConf.create(
        {
            "seed": 7,
            "seeds": None,
            "run_dir": str(folder),
            "resume": None,
            "threads": 1,
            "deterministic": True,
            "allow": ["tiny_runs"],
            "paths": {"data": "data", "runs": str(folder.parent), "cache": str(folder / "cache")},
            "choices": {"task": "tiny", "model": "tiny", "data": "tiny"},
            "task": {"_target_": "tiny_runs.TinyTask", "nan_at": -1, "inf_gradient_at": -1},
            "model": {"_target_": "tiny_runs.TinyModel"},
            "data": {"_target_": "tiny_runs.TinyData", "num_workers": 0, "split_hash": "a"},
            "optimizer": {"_target_": "torch.optim.SGD", "lr": 0.02, "momentum": 0.9},
            "scheduler": {
                "_target_": "seqlab.tasks.base.Schedule",
                "scheduler": {
                    "_target_": "torch.optim.lr_scheduler.StepLR",
                    "step_size": 1,
                    "gamma": 0.8,
                },
                "interval": "epoch",
                "monitor": None,
            },
            "callbacks": {
                "checkpoints": {
                    "_target_": "seqlab.run.keeping.KeepCheckpoints",
                    "every_steps": 2,
                    "every_minutes": None,
                },
                "early_stopping": {
                    "_target_": "seqlab.run.callbacks.EarlyStopping",
                    "patience": None,
                    "min_delta": 0.0,
                },
                "progress": {
                    "_target_": "seqlab.run.progress.Progress",
                    "refresh_seconds": 0.1,
                    "line_seconds": 10.0,
                },
                "kill": {"_target_": "tiny_runs.Kill"},
            },
            "logger": {
                "csv": {"_target_": "seqlab.run.loggers.CsvLogger", "flush_seconds": 1000.0}
            },
        }
    )
    trainer = Path(__file__).parents[2] / "conf" / "trainer" / "default.yaml"
    config.trainer = OmegaConf.load(trainer)
    config.trainer.update({"accelerator": "cpu", "max_epochs": 3, "log_every_n_steps": 1})
    for key, value in changes.items():
        OmegaConf.update(config, key, value, merge=False)
    return config


def run(folder: Path, changes: dict[str, Any], kill: str | None) -> int:
    """Train in a child, going on where one was killed; its exit status, or the signal, negative."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            log = os.open(f"{folder}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.environ.pop(KILL, None)
            if kill:
                os.environ[KILL] = kill
            config = tiny_config(folder, **changes)
            if (folder / "config.yaml").exists():
                config.resume, config.run_dir = str(folder), None
                train(config, [f"resume={folder}"])
            else:
                train(config, [])
            status = 0
        except KeyboardInterrupt:
            status = 130
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    torch.set_num_threads(1)
    scenarios = json.loads(Path(sys.argv[1]).read_text())
    for scenario in scenarios:
        folder, changes = Path(scenario["folder"]), scenario["changes"]
        scenario["statuses"] = [run(folder, changes, kill) for kill in scenario["kills"]]
        scenario["statuses"].append(run(folder, changes, None))
    print(json.dumps([scenario["statuses"] for scenario in scenarios]))


if __name__ == "__main__":
    main()
