"""What every task does with its optimizer, its schedule and a broken loss."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
from lightning import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from seqlab.data.spec import Spec
from seqlab.tasks.base import NonFiniteLossError, Outcome, Schedule, Task


class Numbers(NamedTuple):
    values: Tensor  # [B]


class Doubling(Task):
    """Pulls one number towards what the batches hold."""

    interface: ClassVar = nn.Module
    batch_type: ClassVar = Numbers
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar = "min"

    @staticmethod
    def sizes(spec: Any) -> dict[str, Any]:
        return {}

    def train_batch(self, batch: Numbers) -> Outcome:
        loss = (self.model.weight * batch.values).sum()
        return Outcome(loss, {"loss": loss})

    def example_ids(self, batch: Numbers) -> list[str]:
        return [f"scene-{number}" for number in range(len(batch.values))]

    def batch_size(self, batch: Numbers) -> int:
        return len(batch.values)

    def predict_inputs(self, inputs: Any, datamodule: Any, output: Path) -> list[Any]:
        return []

    def validation_step(self, batch: Numbers, batch_index: int) -> None:
        self.log("val/loss", batch.values.mean(), batch_size=1)


def task(schedule: Schedule, weight: float = 1.0) -> Doubling:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, weight)
    optimizer = partial(torch.optim.SGD, lr=0.5)
    return Doubling(model=model, spec=Spec(), optimizer=optimizer, schedule=schedule)


def fit(module: Doubling, folder: Path, batches: list[Numbers], epochs: int, **more: Any) -> None:
    def together(each: list[Numbers]) -> Numbers:
        return each[0]

    loader = DataLoader(batches, collate_fn=together)  # type: ignore[arg-type]
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **more,
    )
    trainer.fit(module, loader, loader)


def steps(scheduler: type, **settings: Any) -> Any:
    return partial(scheduler, **settings)


@pytest.mark.parametrize(("interval", "moved"), [("step", 6), ("epoch", 2)])
def test_schedule_moves_at_its_interval(interval: Any, moved: int, tmp_path: Path) -> None:
    halving = steps(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
    module = task(Schedule(scheduler=halving, interval=interval))
    fit(module, tmp_path, [Numbers(torch.ones(2))] * 3, epochs=2)
    assert module.learning_rate() == pytest.approx(0.5 * 0.5**moved)


def test_plateau_watches_the_metric_of_the_task(tmp_path: Path) -> None:
    plateau = steps(torch.optim.lr_scheduler.ReduceLROnPlateau, patience=0, factor=0.1)
    module = task(Schedule(scheduler=plateau, interval="epoch"))
    fit(module, tmp_path, [Numbers(torch.ones(2))], epochs=3)  # the metric never improves
    assert module.learning_rate() == pytest.approx(0.5 * 0.1**2)


def test_plateau_names_what_it_could_watch(tmp_path: Path) -> None:
    plateau = steps(torch.optim.lr_scheduler.ReduceLROnPlateau, patience=0)
    module = task(Schedule(scheduler=plateau, interval="epoch", monitor="val/acuracy"))
    with pytest.raises(
        KeyError, match=r"watches val/acuracy, which is not among the metrics: .*val/loss"
    ):
        fit(module, tmp_path, [Numbers(torch.ones(2))], epochs=1)


def test_schedule_goes_through_a_checkpoint(tmp_path: Path) -> None:
    halving = steps(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5)
    first = task(Schedule(scheduler=halving, interval="epoch"))
    fit(first, tmp_path, [Numbers(torch.ones(2))], epochs=3)
    saved: dict[str, Any] = {}
    first.on_save_checkpoint(saved)

    second = task(Schedule(scheduler=halving, interval="epoch"))
    second.on_load_checkpoint(saved)
    second.configure_optimizers()
    assert second.scheduler is not None
    assert second.scheduler.last_epoch == 3


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_broken_loss_stops_before_the_weights_are_touched(broken: float, tmp_path: Path) -> None:
    module = task(Schedule())
    batches = [Numbers(torch.tensor([3.0])), Numbers(torch.tensor([broken]))]
    with pytest.raises(NonFiniteLossError, match="at step 1 ") as raised:
        fit(module, tmp_path, batches, epochs=1)
    assert raised.value.step == 1
    assert raised.value.example_ids == ("scene-0",)
    assert raised.value.learning_rate == 0.5
    assert "scene-0" in str(raised.value)
    assert module.model.weight.item() == pytest.approx(1 - 0.5 * 3)  # the first step alone


def test_only_what_is_trained_reaches_the_optimizer() -> None:
    module = task(Schedule())
    module.model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    module.model[0].requires_grad_(False)
    groups = module.configure_optimizers().param_groups
    assert [id(p) for p in groups[0]["params"]] == [id(p) for p in module.model[1].parameters()]
