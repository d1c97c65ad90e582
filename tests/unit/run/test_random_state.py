"""The random-number generators, put back to where they were."""

import io
import random

import numpy as np
import pytest
import torch

from seqlab.run import random_state


def draw() -> list[float]:
    drawn = [random.random(), random.gauss(0, 1), float(np.random.rand()), float(np.random.randn())]
    return [*drawn, *torch.randn(3).tolist(), *torch.randperm(5).tolist()]


@pytest.mark.parametrize("ahead", [0, 1, 700])
def test_what_is_drawn_after_a_restore_is_what_was_drawn(ahead: int) -> None:
    random_state.seed_everything(3)
    for _ in range(ahead):
        draw()
    state = random_state.capture()
    expected = [draw(), draw()]
    random_state.seed_everything(4)
    assert draw() != expected[0]

    buffer = io.BytesIO()  # as a checkpoint keeps it
    torch.save(state, buffer)
    buffer.seek(0)
    random_state.restore(torch.load(buffer, weights_only=True))
    assert [draw(), draw()] == expected


def test_half_of_a_pair_of_normal_numbers_is_kept() -> None:
    random_state.seed_everything(3)
    random.gauss(0, 1)  # draws two and keeps one
    np.random.randn()
    state = random_state.capture()
    expected = [random.gauss(0, 1), np.random.randn()]
    random_state.seed_everything(9)
    random_state.restore(state)
    assert [random.gauss(0, 1), np.random.randn()] == expected


def test_a_seed_decides_all() -> None:
    random_state.seed_everything(2**40 + 1)
    first = draw()
    random_state.seed_everything(2**40 + 1)
    assert draw() == first


def test_one_process_gathers_its_own() -> None:
    state = random_state.capture()
    (gathered,) = random_state.gather(state, torch.device("cpu"))
    assert gathered is not None
    assert torch.equal(gathered["torch"], state["torch"])
