"""Reads of single steps laid along time."""

import torch

from seqlab.components.attention.interface import Attended
from seqlab.components.attention.steps import stack_steps


def test_each_step_stands_where_it_happened() -> None:
    steps = [
        (torch.full((2, 3), float(t)), Attended(*(torch.rand(2, size) for size in (4, 5, 5))))
        for t in range(6)
    ]
    outputs, reads = stack_steps(steps)
    assert outputs.shape == (2, 6, 3)
    assert [shape.shape for shape in reads] == [(2, 6, 4), (2, 6, 5), (2, 6, 5)]
    for t, (output, read) in enumerate(steps):
        torch.testing.assert_close(outputs[:, t], output)
        for whole, part in zip(reads, read, strict=True):
            torch.testing.assert_close(whole[:, t], part)
