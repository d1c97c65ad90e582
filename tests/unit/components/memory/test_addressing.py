"""Every addressing step of the neural Turing machine against loops, and at its extremes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.memory import addressing
from seqlab.components.memory.addressing import Similarity
from tests.unit.components.memory import loops

BATCH, HEADS, SLOTS, SIZE = 2, 3, 7, 4
generator = torch.Generator()


@pytest.fixture(autouse=True)
def seed() -> None:
    generator.manual_seed(2)


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator).double()


def weighting(*shape: int) -> Tensor:
    return draw(*shape).mul(2).softmax(dim=-1)


def examples_and_heads() -> list[tuple[int, int]]:
    return [(b, k) for b in range(BATCH) for k in range(HEADS)]


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_content_equals_the_loop(similarity: Similarity) -> None:
    keys, memory = draw(BATCH, HEADS, SIZE), draw(BATCH, SLOTS, SIZE)
    beta = draw(BATCH, HEADS, 1).exp()
    found = addressing.content_weighting(keys, beta, memory, similarity)
    for b, k in examples_and_heads():
        expected = loops.content(
            keys[b, k].numpy(), float(beta[b, k]), memory[b].numpy(), similarity
        )
        np.testing.assert_allclose(found[b, k], expected, rtol=1e-10)


def test_the_length_of_what_is_compared_matters_to_the_inner_product_alone() -> None:
    keys, memory, beta = draw(1, 1, SIZE), draw(1, SLOTS, SIZE), torch.ones(1, 1, 1).double()
    longer = memory * torch.linspace(1, 3, SLOTS).view(1, -1, 1)
    cosine, dot = (
        [addressing.content_weighting(keys, beta, each, kind) for each in (memory, longer)]
        for kind in ("cosine", "dot")
    )
    torch.testing.assert_close(cosine[1], cosine[0], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(dot[1], dot[0], atol=0.01)


def test_interpolation_equals_the_equation() -> None:
    content, previous = weighting(BATCH, HEADS, SLOTS), weighting(BATCH, HEADS, SLOTS)
    gate = draw(BATCH, HEADS, 1).sigmoid()
    expected = gate * content + (1 - gate) * previous
    torch.testing.assert_close(addressing.interpolate(content, previous, gate), expected)


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_shift_equals_the_loop(reach: int) -> None:
    w, s = weighting(BATCH, HEADS, SLOTS), weighting(BATCH, HEADS, 2 * reach + 1)
    moved = addressing.circular_shift(w, s)
    for b, k in examples_and_heads():
        np.testing.assert_allclose(
            moved[b, k], loops.shift(w[b, k].numpy(), s[b, k].numpy()), rtol=1e-10
        )


def test_an_offset_of_one_moves_the_focus_to_the_next_slot_and_round_the_end() -> None:
    w = torch.tensor([[[0.0, 0.0, 0.25, 0.75]]])
    for share, expected in (
        ([0.0, 0.0, 1.0], [0.75, 0.0, 0.0, 0.25]),
        ([1.0, 0.0, 0.0], [0.0, 0.25, 0.75, 0.0]),
    ):
        moved = addressing.circular_shift(w, torch.tensor([[share]]))
        assert moved.tolist() == [[expected]]


def test_sharpening_equals_the_loop() -> None:
    w, gamma = weighting(BATCH, HEADS, SLOTS), 1 + draw(BATCH, HEADS, 1).exp()
    sharp = addressing.sharpen(w, gamma)
    for b, k in examples_and_heads():
        expected = loops.sharpen(w[b, k].numpy(), float(gamma[b, k]))
        np.testing.assert_allclose(sharp[b, k], expected, rtol=1e-10)


@pytest.mark.parametrize("num_writes", [1, 3])
def test_writing_and_reading_equal_the_loops(num_writes: int) -> None:
    memory, w = draw(BATCH, SLOTS, SIZE), weighting(BATCH, num_writes, SLOTS)
    erase, add = draw(BATCH, num_writes, SIZE).sigmoid(), draw(BATCH, num_writes, SIZE)
    new = addressing.write(memory, w, erase, add)
    vectors = addressing.read(memory, w)
    for b in range(BATCH):
        heads = [tuple(each[b, n].numpy() for each in (w, erase, add)) for n in range(num_writes)]
        np.testing.assert_allclose(new[b], loops.write(memory[b].numpy(), heads), rtol=1e-10)
        for n in range(num_writes):
            expected = loops.read(memory[b].numpy(), w[b, n].numpy())
            np.testing.assert_allclose(vectors[b, n], expected, rtol=1e-10)


def test_the_worked_example_of_the_lecture() -> None:
    """A memory of 5 slots, printed as the columns of a 5 x 5 matrix, is erased and added to."""
    memory = torch.tensor(
        [[5, 11, 3, 4, 3], [7, 6, 7, 2, 5], [9, 3, 3, 5, 12], [2, 1, 10, 9, 8], [12, 2, 6, 9, 4]],
        dtype=torch.float64,
    )
    w, erase, add = (
        torch.tensor([[row]], dtype=torch.float64)
        for row in (
            [0.1, 0.2, 0.5, 0.1, 0.1],
            [1.0, 0.7, 0.2, 0.5, 0.0],
            [3.0, 4.0, -2.0, 0.0, 2.0],
        )
    )
    erased = [
        [4.5, 10.23, 2.94, 3.8, 3],
        [5.6, 5.16, 6.72, 1.8, 5],
        [4.5, 1.95, 2.7, 3.75, 12],
        [1.8, 0.93, 9.8, 8.55, 8],
        [10.8, 1.86, 5.88, 8.55, 4],
    ]
    added = [
        [4.8, 10.63, 2.74, 3.8, 3.2],
        [6.2, 5.96, 6.32, 1.8, 5.4],
        [6, 3.95, 1.7, 3.75, 13],
        [2.1, 1.33, 9.6, 8.55, 8.2],
        [11.1, 2.26, 5.68, 8.55, 4.2],
    ]
    memory = memory.unsqueeze(0)
    found = addressing.write(memory, w, erase, torch.zeros_like(add))[0]
    np.testing.assert_allclose(found, erased, rtol=1e-12)
    np.testing.assert_allclose(addressing.write(memory, w, erase, add)[0], added, rtol=1e-12)


def test_gradients_equal_differences() -> None:
    memory, keys = draw(2, 5, 3), draw(2, 2, 3)
    previous, s = weighting(2, 2, 5), weighting(2, 2, 3)
    beta, gamma = draw(2, 2, 1).exp(), 1 + draw(2, 2, 1).exp()
    gate, erase, add = draw(2, 2, 1).sigmoid(), draw(2, 2, 3).sigmoid(), draw(2, 2, 3)

    def run(similarity: Similarity, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        memory, keys, beta, previous, gate, s, gamma, erase, add = tensors
        found = addressing.content_weighting(keys, beta, memory, similarity)
        gated = addressing.interpolate(found, previous, gate)
        w = addressing.sharpen(addressing.circular_shift(gated, s), gamma)
        new = addressing.write(memory, w, erase, add)
        return addressing.read(new, w), new

    given = (memory, keys, beta, previous, gate, s, gamma, erase, add)
    for similarity in ("cosine", "dot"):
        inputs = tuple(each.clone().requires_grad_() for each in given)
        assert torch.autograd.gradcheck(lambda *t, kind=similarity: run(kind, *t), inputs)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e15])
@pytest.mark.parametrize("strength", [0.0, 1.0, 1e6])
def test_content_is_finite_with_its_gradients(
    similarity: Similarity, scale: float, strength: float
) -> None:
    """On an empty memory, on an empty key, and where one slot has all the weight."""
    keys, memory = draw(1, 2, SIZE).float() * scale, draw(1, SLOTS, SIZE).float() * scale
    beta = torch.full((1, 2, 1), strength)
    leaves = [each.requires_grad_() for each in (keys, memory, beta)]
    w = addressing.content_weighting(keys, beta, memory, similarity)
    torch.testing.assert_close(w.sum(dim=2), torch.ones(1, 2))
    gradients = torch.autograd.grad((w * torch.arange(SLOTS)).sum(), leaves)
    assert all(each.isfinite().all() for each in gradients)
    if scale == 0:
        torch.testing.assert_close(w, torch.full_like(w, 1 / SLOTS))


@pytest.mark.parametrize("gamma", [1.0, 3.0, 1e4])
def test_sharpening_is_finite_with_its_gradients(gamma: float) -> None:
    """A power of 0 has no derivative below 1 and a sum of tiny powers is 0: neither is met."""
    rows = torch.tensor(
        [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1e-30, 1e-30, 1e-30], [0.0, 0.0, 0.0], [0.2, 0.3, 0.5]]
    )
    w = rows.unsqueeze(0).requires_grad_()
    gammas = torch.full((1, len(rows), 1), gamma, requires_grad=True)
    sharp = addressing.sharpen(w, gammas)
    torch.testing.assert_close(sharp.sum(dim=2), torch.ones(1, len(rows)))
    torch.testing.assert_close(sharp[0, 0], rows[0])
    torch.testing.assert_close(sharp[0, 1], rows[1])
    gradients = torch.autograd.grad((sharp * torch.arange(3)).sum(), [w, gammas])
    assert all(each.isfinite().all() for each in gradients)
    if gamma == 1:  # weights stay as they are, and so does the derivative where one is 0
        torch.testing.assert_close(gradients[0][0, 0], torch.tensor([-2.0, -1.0, 0.0]))
