"""Allocation and links of the differentiable neural computer against loops, and their bounds."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.memory import allocation, linkage
from tests.unit.components.memory import loops

BATCH, READS, SLOTS = 3, 2, 6
MASK = linkage.off_diagonal(SLOTS).double()
generator = torch.Generator()


@pytest.fixture(autouse=True)
def seed() -> None:
    generator.manual_seed(2)


def draw(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator).double()


def weighting(*shape: int) -> Tensor:
    """Sums to less than 1."""
    return (6 * draw(*shape)).softmax(dim=-1) * draw(*shape[:-1], 1)


def test_usage_equals_the_loops() -> None:
    free, reads = draw(BATCH, READS, 1), weighting(BATCH, READS, SLOTS)
    used, written = draw(BATCH, SLOTS), weighting(BATCH, SLOTS)
    kept = allocation.retention(free, reads)
    new = allocation.next_usage(used, written, kept)
    for b in range(BATCH):
        psi = loops.retention(free[b, :, 0].numpy(), reads[b].numpy())
        np.testing.assert_allclose(kept[b], psi, rtol=1e-12)
        expected = loops.usage(used[b].numpy(), written[b].numpy(), psi)
        np.testing.assert_allclose(new[b], expected, rtol=1e-12)


def test_allocation_equals_the_loop() -> None:
    used = draw(BATCH, SLOTS)
    used[1, 2] = used[1, 4] = 0.0  # both free: the first of them is taken
    used[2] = 1.0
    found = allocation.allocation_weighting(used)
    for b in range(BATCH):
        np.testing.assert_allclose(found[b], loops.allocation(used[b].numpy()), rtol=1e-9)
    np.testing.assert_allclose(found[1, [2, 4]], [1.0, 0.0], atol=1e-5)
    assert float(found[2].sum()) < 1e-9  # nothing is free


def test_links_and_precedence_equal_the_loops() -> None:
    links, written = weighting(BATCH, SLOTS, SLOTS), weighting(BATCH, SLOTS)
    before, reads = weighting(BATCH, SLOTS), weighting(BATCH, READS, SLOTS)
    content, modes = weighting(BATCH, READS, SLOTS), draw(BATCH, READS, 3).softmax(dim=2)
    new = linkage.next_links(links, written, before, MASK)
    following = linkage.next_precedence(before, written)
    followed = linkage.follow(new, reads, content, modes)
    for b in range(BATCH):
        L, w, p = links[b].numpy(), written[b].numpy(), before[b].numpy()
        np.testing.assert_allclose(new[b], loops.links(L, w, p), rtol=1e-12)
        np.testing.assert_allclose(following[b], loops.precedence(p, w), rtol=1e-12)
        for n in range(READS):
            read, alike = reads[b, n].numpy(), content[b, n].numpy()
            pi = modes[b, n].numpy()
            after, previous = new[b].numpy() @ read, new[b].numpy().T @ read
            expected = pi[0] * previous + pi[1] * alike + pi[2] * after
            np.testing.assert_allclose(followed[b, n], expected, rtol=1e-12)


def test_links_lead_from_a_write_to_the_next_and_back() -> None:
    links, last = torch.zeros(1, SLOTS, SLOTS), torch.zeros(1, SLOTS)
    for slot in (3, 0, 5):
        written = torch.eye(SLOTS)[[slot]]
        links = linkage.next_links(links, written, last, MASK.float())
        last = linkage.next_precedence(last, written)
    at = torch.eye(SLOTS)[[0]].unsqueeze(0)
    alike = torch.eye(SLOTS)[[1]].unsqueeze(0)
    for mode, slot in ((0, 3), (1, 1), (2, 5)):
        modes = torch.eye(3)[[mode]].unsqueeze(0)
        followed = linkage.follow(links, at, alike, modes)
        assert torch.equal(followed[0, 0], torch.eye(SLOTS)[slot])
    assert torch.equal(last[0], torch.eye(SLOTS)[5])


def test_gradients_equal_differences() -> None:
    given = (
        draw(2, READS, 1),
        weighting(2, READS, 4),
        draw(2, 4),
        weighting(2, 4),
        weighting(2, 4, 4),
        weighting(2, 4),
        draw(2, READS, 3),
    )

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        free, reads, used, written, links, before, modes = tensors
        new = allocation.next_usage(used, written, allocation.retention(free, reads))
        free_slots = allocation.allocation_weighting(new)
        links = linkage.next_links(links, free_slots, before, linkage.off_diagonal(4).double())
        following = linkage.next_precedence(before, free_slots)
        return following, linkage.follow(links, reads, reads.flip(2), modes.softmax(dim=2))

    assert torch.autograd.gradcheck(run, tuple(each.requires_grad_() for each in given))


def test_allocation_has_finite_gradients_where_all_is_free_or_all_is_used() -> None:
    for value in (0.0, 1.0):
        used = torch.full((1, 300), value, requires_grad=True)
        (gradient,) = torch.autograd.grad(
            (allocation.allocation_weighting(used) * torch.arange(300)).sum(), used
        )
        assert gradient.isfinite().all()
