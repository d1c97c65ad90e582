"""A grid on a GPU against the same grid on the CPU."""

import copy

import pytest
import torch

from tests.unit.components.grid.test_grid import GRIDS, build, edges, real_lengths, total

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_is_the_same_on_a_gpu(name: str) -> None:
    grid, extents = build(name)
    found = {}
    for device in ("cpu", "cuda"):
        here = copy.deepcopy(grid).to(device)
        hidden, memory = (
            [e if e is None else e.detach().to(device).requires_grad_() for e in part]
            for part in edges(grid, extents)
        )
        lengths = [n if n is None else n.to(device) for n in real_lengths(extents)]
        leaving = here(extents, hidden, memory, lengths)
        vectors = [v if v is None else v.cpu() for v in (*leaving.hidden, *leaving.memory)]
        inputs = [*(e for e in (*hidden, *memory) if e is not None), *here.parameters()]
        found[device] = [v for v in vectors if v is not None]
        found[device] += [g.cpu() for g in torch.autograd.grad(total(vectors), inputs)]
    for one, two in zip(found["cpu"], found["cuda"], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
