"""Settings of the trainer: what is refused at once, and that Lightning takes the rest."""

from pathlib import Path
from typing import Any

import pytest

from seqlab.config import catalog
from seqlab.config.errors import UserError
from seqlab.run.trainer import TrainerSettings


def settings(**changes: Any) -> TrainerSettings:
    """Those of the yaml, some changed."""
    values = {k: v for k, v in catalog.describe("trainer", "cpu").values.items() if k != "defaults"}
    values.pop("_target_")
    return TrainerSettings(**{**values, **changes})


REFUSED = [
    ("max_epochs", -2),
    ("min_epochs", -1),
    ("max_steps", -2),
    ("num_nodes", 0),
    ("check_val_every_n_epoch", 0),
    ("log_every_n_steps", 0),
    ("accumulate_grad_batches", 0),
    ("limit_train_batches", 1.5),
    ("limit_val_batches", -1),
    ("limit_test_batches", -0.5),
    ("val_check_interval", 0),
    ("val_check_interval", 0.0),
    ("val_check_interval", 1.5),
    ("gradient_clip_val", 0.0),
    ("gradient_clip_val", -1.0),
    ("devices", 0),
    ("devices", -2),
    ("devices", "x"),
    ("devices", []),
    ("devices", [-1]),
    ("strategy", "dpp"),
    ("max_time", "an hour"),
    ("max_time", "1:00"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_cannot_be_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UserError) as error:
        settings(**{name: value})
    (problem,) = error.value.problems
    assert (problem.key, problem.given) == (f"trainer.{name}", str(value))


def test_all_at_once_with_the_nearest_name() -> None:
    with pytest.raises(UserError) as error:
        settings(max_epochs=-2, limit_val_batches=2.5, strategy="dpp")
    problems = error.value.problems
    keys = ["trainer.max_epochs", "trainer.limit_val_batches", "trainer.strategy"]
    assert [problem.key for problem in problems] == keys
    assert problems[-1].nearest == "ddp"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"max_epochs": -1, "max_steps": 5},
        {"min_epochs": 0, "limit_val_batches": 0, "limit_train_batches": 0.5},
        {"limit_test_batches": 3, "val_check_interval": 0.25, "gradient_clip_val": None},
        {"val_check_interval": 7, "max_time": "00:12:00:00", "log_every_n_steps": 1},
        {"devices": 2, "strategy": "ddp"},
        {"devices": "2", "strategy": "ddp_find_unused_parameters_true"},
        {"precision": "bf16-mixed"},
    ],
)
def test_lightning_takes_what_is_not_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    made = settings(**changes).make(folder=tmp_path, deterministic=False, callbacks=[], loggers=[])
    assert made.max_epochs == changes.get("max_epochs", 8)
