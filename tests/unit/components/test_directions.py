"""Angles between directions against trigonometry, and the loss against a loop."""

import numpy as np
import pytest
import torch

from seqlab.components.directions import angles, cosine_distance, unit


def test_angles_are_those_that_the_vectors_were_turned_by() -> None:
    """Down to a thousandth of a degree, which the arc cosine of a float32 product has lost."""
    turned = torch.tensor([0.0, 1e-3, 0.02, 11.25, 90.0, 135.0, 179.99, 180.0])
    radians = torch.deg2rad(turned.double())
    flat = torch.stack([radians.cos(), radians.sin(), torch.zeros_like(radians)])  # [3, 8]
    axes = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double())
    first = axes.Q @ torch.tensor([1.0, 0.0, 0.0]).double()
    found = angles(first.expand(1, 8, 3).mT.float(), (axes.Q @ flat).float()[None])
    np.testing.assert_allclose(np.degrees(found[0].numpy()), turned, rtol=1e-4, atol=2e-5)


def test_the_distance_is_summed_over_what_is_known() -> None:
    torch.manual_seed(0)
    vectors, normals = 3 * torch.randn(2, 3, 4, 5), unit(torch.randn(2, 3, 4, 5))
    normals[0, :, 1] = 0
    normals[1, :, :, 2:] = 0
    distance, known = cosine_distance(vectors, normals)
    total, count = 0.0, 0
    for b, y, x in np.ndindex(2, 4, 5):
        v, n = vectors[b, :, y, x].double().numpy(), normals[b, :, y, x].double().numpy()
        if n.any():
            total += 1 - v @ n / np.linalg.norm(v) / np.linalg.norm(n)
            count += 1
    assert int(known) == count == 15 + 8
    assert float(distance) == pytest.approx(total, rel=1e-6)


def test_what_is_not_known_gives_no_gradient() -> None:
    vectors = torch.zeros(1, 3, 2, 2, requires_grad=True)
    distance, known = cosine_distance(vectors, torch.zeros(1, 3, 2, 2))
    distance.backward()
    assert int(known) == 0
    assert not vectors.grad.any()
