"""Replays the kernels of a model on a GPU, where to start them takes longer than they take."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

MOST_SHAPES = 128  # of which each keeps inputs, outputs and gradients on the GPU

Key = tuple[tuple[torch.Size, torch.dtype], ...]
Recorder = Callable[[nn.Module, tuple[Tensor, ...]], Callable[..., Tensor]]


class Replayed:
    """A model whose training passes are recorded once for each shape of its inputs, then replayed.

    A recurrent model starts thousands of small kernels in a step, one by one. A CUDA graph starts
    all of them at once; they are the same kernels, so that results are the same. Without a GPU,
    without gradients and for shapes beyond `MOST_SHAPES` this is the model itself.

    Args:
        model: maps tensors to one tensor. Equal shapes make it start equal kernels, whatever the
            values, and it does not wait for any of them.
        record: makes of a model and inputs what replays them.
    """

    def __init__(self, model: nn.Module, record: Recorder | None = None) -> None:
        self.model = model
        self.record = Graphs() if record is None else record
        self.recorded: dict[Key, Callable[..., Tensor]] = {}

    def __call__(self, *inputs: Tensor) -> Tensor:
        """What the model gives for inputs that need no gradients."""
        on_gpu = all(each.is_cuda for each in inputs)
        if not (on_gpu and self.model.training and torch.is_grad_enabled()):
            return self.model(*inputs)
        key = tuple((each.shape, each.dtype) for each in inputs)
        if key not in self.recorded:
            if len(self.recorded) >= MOST_SHAPES:
                return self.model(*inputs)
            try:
                self.recorded[key] = self.record(self.model, inputs)
            except RuntimeError as error:
                error.add_note("This pass was to be recorded; cuda_graphs=false trains without.")
                raise
        return self.recorded[key](*inputs)

    def forget(self) -> None:
        """Give back the memory of what was recorded."""
        self.recorded.clear()


class Graphs:
    """Records CUDA graphs, all of which use the same memory, since one runs after the other."""

    def __init__(self) -> None:
        self.pool = None

    def __call__(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        """A callable that replays the passes of a model, forward and backward."""
        if self.pool is None:
            self.pool = torch.cuda.graph_pool_handle()
        own = tuple(each.clone() for each in inputs)  # overwritten by those of each replay
        half = torch.is_autocast_enabled("cuda")
        with (
            nothing_collected(),
            # Passes are tried before they are recorded, which is not to change later chance.
            torch.random.fork_rng(devices=[own[0].device]),
            # Weights that were cast before the recording would not be cast again in a replay.
            torch.autocast("cuda", torch.get_autocast_dtype("cuda"), half, cache_enabled=False),
        ):
            return torch.cuda.make_graphed_callables(
                OneShape(model), own, allow_unused_input=True, pool=self.pool
            )


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Garbage is collected before, not within: to free a graph spoils the recording of another."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class OneShape(nn.Module):
    """Stands for a model, of which a recording would take the place."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the model gives."""
        return self.model(*inputs)
