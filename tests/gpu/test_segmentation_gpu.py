"""Models of segmentation on a GPU against the same models on the CPU, and in half precision."""

import copy

import pytest
import torch
from torch.nn import functional as F

from tests.unit.models.segmentation.parts import MODELS, NUM_CLASSES, build

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_same_on_a_gpu(name: str) -> None:
    model, images = build(name).eval(), torch.rand(2, 3, 37, 50).double()
    there = copy.deepcopy(model).cuda()
    torch.testing.assert_close(there(images.cuda()).logits.cpu(), model(images).logits)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_trains_in_half_precision(name: str) -> None:
    model, images = build(name).float().cuda(), torch.rand(4, 3, 37, 50).cuda()
    labels = torch.randint(NUM_CLASSES, (4, 37, 50)).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        segmented = model(images)
        loss = F.cross_entropy(segmented.logits, labels)
        loss = loss + sum(F.cross_entropy(logits, labels) for logits in segmented.earlier)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
