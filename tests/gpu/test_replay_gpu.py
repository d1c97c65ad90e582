"""Steps whose kernels are replayed against the same steps started kernel by kernel."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.replay import Replayed
from seqlab.models.interfaces import AlgorithmicModel
from tests.unit.models.algorithmic.test_models import MODELS, transducer
from tests.unit.models.memory_qa.parts import CELLS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
ALL: dict[str, Callable[[], AlgorithmicModel]] = {
    **MODELS,
    "dnc": lambda: transducer(CELLS["dnc"]),
}
SHAPES = ((2, 6), (3, 4), (2, 6), (3, 4))  # batch and steps of four batches


def trained(model: nn.Module, called: Callable[..., Tensor]) -> list[Tensor]:
    """Losses of some steps in which weights change, and the weights after them."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(0)
    found = []
    for batch, steps in SHAPES:
        inputs = torch.randn(batch, steps, 3, generator=generator, dtype=torch.float64).cuda()
        loss = called(inputs, torch.full((batch,), steps).cuda()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.detach())
    return [*found, *(parameter.detach() for parameter in model.parameters())]


@pytest.mark.parametrize("name", ALL)
def test_replayed_steps_train_alike(name: str) -> None:
    model = ALL[name]().cuda().train()
    other = copy.deepcopy(model)
    replayed = Replayed(other)
    for one, two in zip(trained(model, model), trained(other, replayed), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
    assert len(replayed.recorded) == 2


def test_recording_changes_no_later_chance() -> None:
    model = MODELS["tied grid"]().cuda().train()
    torch.manual_seed(0)
    expected = torch.rand(3, device="cuda")
    torch.manual_seed(0)
    Replayed(model)(torch.ones(2, 4, 3).double().cuda(), torch.full((2,), 4).cuda())
    assert torch.equal(torch.rand(3, device="cuda"), expected)


def test_casts_of_half_precision_are_replayed() -> None:
    model = MODELS["lstm"]().float().cuda().train()
    replayed = Replayed(model)
    inputs, lengths = torch.ones(2, 4, 3).cuda(), torch.full((2,), 4).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        before = replayed(inputs, lengths).detach().clone()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(2)
        after = replayed(inputs, lengths)
        plain = model(inputs, lengths)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, plain, rtol=0.02, atol=0.02)
