"""Which passes are replayed; that replays are right needs a GPU: tests/gpu/test_replay_gpu.py."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab.components import replay
from seqlab.components.replay import OneShape, Replayed, nothing_collected


class OnGPU(Tensor):
    """Says that it lies on a GPU."""

    is_cuda = True


def on_gpu(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.ones(size, dtype=dtype).as_subclass(OnGPU)


class Recorder:
    """Notes what it was to record; what it gives answers with zeros."""

    def __init__(self) -> None:
        self.shapes: list[Any] = []

    def __call__(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        self.shapes.append(tuple(tuple(each.shape) for each in inputs))
        return lambda *given: torch.zeros(())


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def replayed(recorder: Recorder) -> Replayed:
    return Replayed(nn.Linear(3, 2), recorder)


def test_each_shape_and_type_is_recorded_once(recorder: Recorder, replayed: Replayed) -> None:
    for size in (4, 5, 4):
        assert replayed(on_gpu(size, 3)).shape == ()
    assert replayed(on_gpu(4, 3, dtype=torch.float64)).shape == ()
    assert recorder.shapes == [((4, 3),), ((5, 3),), ((4, 3),)]


def test_without_a_gpu_nothing_is_recorded(recorder: Recorder, replayed: Replayed) -> None:
    assert replayed(torch.ones(4, 3)).shape == (4, 2)
    assert recorder.shapes == []


def test_evaluation_is_not_recorded(recorder: Recorder, replayed: Replayed) -> None:
    with torch.no_grad():
        assert replayed(on_gpu(4, 3)).shape == (4, 2)
    replayed.model.eval()
    assert replayed(on_gpu(4, 3)).shape == (4, 2)
    assert recorder.shapes == []


def test_shapes_beyond_the_most_are_not_recorded(
    recorder: Recorder, replayed: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST_SHAPES", 1)
    assert replayed(on_gpu(4, 3)).shape == ()
    assert replayed(on_gpu(5, 3)).shape == (5, 2)
    assert replayed(on_gpu(4, 3)).shape == ()
    replayed.forget()
    assert replayed(on_gpu(5, 3)).shape == ()
    assert recorder.shapes == [((4, 3),), ((5, 3),)]


def test_what_cannot_be_recorded_says_how_to_go_without() -> None:
    def fails(model: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        raise RuntimeError("operation not permitted")

    with pytest.raises(RuntimeError, match="not permitted") as caught:
        Replayed(nn.Linear(3, 2), fails)(on_gpu(4, 3))
    assert "cuda_graphs=false" in caught.value.__notes__[0]


def test_one_shape_shares_the_models_weights() -> None:
    model = nn.Linear(3, 2)
    stands = OneShape(model)
    assert list(map(id, stands.parameters())) == list(map(id, model.parameters()))
    inputs = torch.ones(1, 3)
    assert torch.equal(stands(inputs), model(inputs))


def test_nothing_is_collected_while_recording() -> None:
    assert gc.isenabled()
    with nothing_collected():
        assert not gc.isenabled()
    assert gc.isenabled()
