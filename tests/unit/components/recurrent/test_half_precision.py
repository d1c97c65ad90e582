"""Cells under autocast, where products are of half precision and states are not."""

import pytest
import torch

from seqlab.components.memory.interface import MemoryCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.tree import map_tensors
from tests.unit.components.recurrent.cells import CELLS, build, has_memory, step_by_step

CERTAIN = [name for name in CELLS if "variational" not in name]


@pytest.mark.parametrize("name", CERTAIN)
@pytest.mark.parametrize("at_once", [True, False], ids=["unrolled", "step by step"])
def test_a_cell_trains_in_half_precision(name: str, at_once: bool) -> None:
    cell = build(name, 4, 3).float()
    inputs, start = torch.randn(2, 5, 4), cell.init_state(2)
    run = unroll if at_once else step_by_step
    plain, _ = run(cell, inputs, start)
    with torch.autocast("cpu", torch.bfloat16):
        outputs, last = run(cell, inputs, start)
    torch.testing.assert_close(outputs.float(), plain, rtol=0.1, atol=0.05)
    outputs.float().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in cell.parameters())
    if isinstance(cell, MemoryCell):

        def is_full(tensor: torch.Tensor) -> torch.Tensor:
            assert not tensor.is_floating_point() or tensor.dtype == torch.float32
            return tensor

        map_tensors(is_full, last)


@pytest.mark.parametrize("name", [name for name in CERTAIN if has_memory(build(name, 4, 3))])
def test_a_memory_may_start_from_half_precision(name: str) -> None:
    cell = build(name, 4, 3).float()
    values = {key: torch.randn(2, size) for key, size in cell.start_sizes().items()}
    halves = {key: value.bfloat16() for key, value in values.items()}
    with torch.autocast("cpu", torch.bfloat16):
        state = cell.start(halves)
        output, _ = cell(torch.randn(2, 4), state)
    assert output.isfinite().all()
