"""Every model of segmentation: sizes, gradients, batches and what it keeps."""

import pytest
import torch
from torch.nn import functional as F

from tests.unit.models.segmentation.parts import MODELS, NUM_CLASSES, build


@pytest.mark.parametrize("size", [(32, 48), (37, 50), (5, 7), (1, 1), (64, 3)])
@pytest.mark.parametrize("name", MODELS)
def test_scores_are_as_large_as_the_image(name: str, size: tuple[int, int]) -> None:
    model = build(name).eval()
    segmented = model(torch.rand(2, 3, *size).double())
    for logits in (segmented.logits, *segmented.earlier):
        assert logits.shape == (2, NUM_CLASSES, *size)
        assert logits.isfinite().all()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = build(name).train()
    images = torch.rand(4, 3, 37, 50).double()
    labels = torch.randint(NUM_CLASSES, (4, 37, 50))
    segmented = model(images)
    answers = (segmented.logits, *segmented.earlier)
    sum(F.cross_entropy(logits, labels) for logits in answers).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", MODELS)
def test_an_image_is_the_same_alone_and_in_a_batch(name: str) -> None:
    model = build(name).eval()
    images = torch.rand(3, 3, 20, 27).double()
    together = model(images).logits
    for n in range(3):
        torch.testing.assert_close(model(images[n : n + 1]).logits[0], together[n])


@pytest.mark.parametrize("name", MODELS)
def test_a_few_steps_fit_an_image(name: str) -> None:
    """A square on a ground, from the weights a model starts with."""
    torch.manual_seed(0)
    model = build(name).float()
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    images, labels = torch.full((2, 3, 32, 32), 0.2), torch.zeros(2, 32, 32, dtype=torch.long)
    for n, (row, column) in enumerate([(4, 8), (12, 10)]):
        images[n, :, row : row + 16, column : column + 16] = 0.9
        labels[n, row : row + 16, column : column + 16] = 1
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.train()
    for _ in range(60):
        loss = F.cross_entropy(model(images).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = (model(images).logits.argmax(dim=1) == labels).float().mean()
    assert float(right) > 0.9
