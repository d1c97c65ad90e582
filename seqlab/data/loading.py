"""Batches in a planned order, from any position of any epoch."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import distributed
from torch.utils.data import DataLoader, Dataset

from seqlab.data.plans import Plan


class ResumableLoader:
    """Loads the batches of a plan and can go on from the middle of an epoch.

    The data set is asked for `dataset[(epoch, index)]`, so that what it draws can depend on the
    epoch and the example alone, never on how many workers there are. Iterating draws nothing from
    torch's global generator. An epoch is chosen at the first batch, not when the iterator is made,
    since Lightning makes it before it says which epoch it is.

    With several processes each takes every n-th batch; the last round is filled up from the first
    batches, so that all processes do as many steps.

    Args:
        dataset: gives an example for a pair (epoch, index).
        plan: which examples make up the batches of an epoch.
        collate_fn: makes a batch of a list of examples.
        num_workers: processes that load; 0 loads in this one.

    Attributes:
        is_frozen: whether examples are those of the first epoch in every epoch.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        plan: Plan,
        collate_fn: Callable[[list[Any]], Any],
        *,
        num_workers: int = 0,
    ) -> None:
        self.plan = plan
        self.is_frozen = False
        self._keys = _Keys()
        self._epoch = 0
        self._batch = 0  # batches of the epoch that were handed out
        self._start = 0  # the batch with which the next iteration begins
        self._loader = DataLoader(
            dataset,
            batch_sampler=self._keys,
            collate_fn=collate_fn,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_leave_signals_to_the_parent,
            generator=torch.Generator().manual_seed(0),
        )
        self.batch_sampler = None  # Lightning looks for one beside `sampler`
        self._num_planned: int | None = None

    @property
    def sampler(self) -> "ResumableLoader":
        """Itself: Lightning calls `set_epoch` on what stands here."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; a loaded position in that epoch is kept."""
        if epoch != self._epoch:
            self._epoch, self._batch, self._start = epoch, 0, 0

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its batches were handed out."""
        return {"epoch": self._epoch, "batch": self._batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next iteration where `state_dict` was called."""
        self._epoch = state["epoch"]
        self._batch = self._start = state["batch"]

    @property
    def num_planned(self) -> int:
        """Batches of an epoch, of all processes together, none counted twice."""
        if self._num_planned is None:
            self._num_planned = len(self.plan.batches(0))
        return self._num_planned

    def __len__(self) -> int:
        _, world_size = _place()
        return -(-self.num_planned // world_size)

    def __iter__(self) -> Iterator[Any]:
        batches = self._share(self.plan.batches(self._epoch))
        if len(batches) != len(self):
            raise ValueError(
                f"the plan has {len(batches)} batches in epoch {self._epoch} and {len(self)} in "
                "epoch 0; a plan has as many in every epoch"
            )
        self._batch, self._start = self._start, 0
        epoch = 0 if self.is_frozen else self._epoch
        self._keys.batches = [
            [(epoch, index) for index in batch] for batch in batches[self._batch :]
        ]
        for batch in self._loader:
            self._batch += 1
            yield batch

    def _share(self, batches: list[list[int]]) -> list[list[int]]:
        """The batches of this process."""
        rank, world_size = _place()
        rounds = -(-len(batches) // world_size)
        return [batches[(i * world_size + rank) % len(batches)] for i in range(rounds)]


def _place() -> tuple[int, int]:
    """Which of how many processes this is."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


class _Keys:
    """The batch sampler of the inner loader: the keys that are left of the epoch."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[int, int]]] = []

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def _leave_signals_to_the_parent(worker_id: int) -> None:
    """Keep loading while the parent, which got the same signal, finishes its batch and saves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
