"""Early stopping by hand, and the same batches over and over."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from seqlab.data.loading import ResumableLoader
from seqlab.run.callbacks import EarlyStopping, Overfit


def stops_after(scores: list[float], **settings: Any) -> int | None:
    """After how many validations training is told to end."""
    stopping = EarlyStopping(**{"min_delta": 0.0, "monitor": "val/x", "mode": "max"} | settings)
    trainer: Any = SimpleNamespace(state=SimpleNamespace(fn="fit"), should_stop=False)
    for count, score in enumerate(scores, start=1):
        trainer.callback_metrics = {"val/x": torch.tensor(score)}
        # As in a run that is resumed after each validation.
        resumed = EarlyStopping(**{"min_delta": 0.0, "monitor": "val/x", "mode": "max"} | settings)
        resumed.load_state_dict(stopping.state_dict())
        resumed.on_validation_end(trainer, None)
        stopping = resumed
        if trainer.should_stop:
            return count
    return None


@pytest.mark.parametrize(
    ("scores", "settings", "expected"),
    [
        ([1, 2, 3, 3, 2], {"patience": 2}, 5),  # the two after the first 3
        ([1, 2, 3, 3, 4, 4], {"patience": 2}, None),
        ([3, 2, 1, 1], {"patience": 1, "mode": "min"}, 4),
        ([1, 1.4, 1.8], {"patience": 2, "min_delta": 0.5}, None),  # 1.8 is 0.8 above the 1 kept
        ([1, 1.4, 1.3], {"patience": 2, "min_delta": 0.5}, 3),
        ([1, 0, 0, 0], {"patience": None}, None),
        ([0.5, float("nan"), float("nan")], {"patience": 2}, 3),
        ([float("nan"), 0.5, 0.6, 0.6], {"patience": 1}, 4),
    ],
)
def test_patience(scores: list[float], settings: dict[str, Any], expected: int | None) -> None:
    assert stops_after(scores, **settings) == expected


def test_a_metric_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="early stopping watches val/y, the metrics are: val/x"):
        stops_after([1.0], patience=1, monitor="val/y")


class Keys(Dataset[tuple[int, int]]):
    """Gives back the epoch and the index that it is asked for."""

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, int]:
        return key


class Rotating:
    def batches(self, epoch: int) -> list[list[int]]:
        return [[(epoch + i) % 10] for i in range(10)]


def test_overfitting_sees_the_same_batches_in_every_epoch() -> None:
    data = SimpleNamespace(train_dataloader=lambda: ResumableLoader(Keys(), Rotating(), list))
    Overfit(num_batches=2).setup(SimpleNamespace(datamodule=data), None, "fit")  # type: ignore[arg-type]
    loader = data.train_dataloader()
    assert len(loader) == 2
    for epoch in (0, 1, 5):
        loader.set_epoch(epoch)
        assert list(loader) == [[(0, 0)], [(0, 1)]]
