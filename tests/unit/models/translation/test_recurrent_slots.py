"""Every yaml of conf/recurrent in every translation model: `recurrent=NAME` swaps the cell."""

from typing import Any

import pytest
import torch

from seqlab.config import catalog
from seqlab.config.build import factory
from tests.unit.models.translation.parts import build, example

MODELS = [
    "rnn_search additive lstm",
    "rnn_search additive lstm conditional",
    "seq2seq - lstm",
    "luong general lstm reversed",
    "luong general lstm reversed fed",
]
CONDITIONAL_REFUSES = ("variational",)  # its state holds a mask of the input
# Parameters that learn nothing, by their beginning. Of its encoder seq2seq takes the state alone,
# and not what the layers above give out. A cell without a state ignores what it is started from.
UNREAD = {
    ("seq2seq - lstm", "deep_output"): ("encoder.layers.",),
    ("seq2seq - lstm", "ntm"): ("encoder.read_output.",),
    ("seq2seq - lstm", "dnc"): ("encoder.read_output.",),
    ("seq2seq - lstm", "feedforward"): ("encoder.", "source_embedding."),
    ("rnn_search additive lstm conditional", "feedforward"): ("bridge.",),
}


def node(name: str) -> dict[str, Any]:
    """A yaml with the defaults in its slots, as Hydra composes it."""
    entry = catalog.describe("recurrent", name)
    return {**{slot.package: node(str(slot.default)) for slot in entry.slots}, **entry.values}


@pytest.mark.parametrize(
    ("model_name", "cell"),
    [
        (model, cell)
        for model in MODELS
        for cell in catalog.names("recurrent")
        if not ("conditional" in model and cell in CONDITIONAL_REFUSES)
    ],
)
def test_forcing_equals_stepping_and_every_parameter_learns(model_name: str, cell: str) -> None:
    model = build(model_name, recurrent=factory(node(cell))).train()
    source, tokens, lengths = example()
    torch.manual_seed(3)  # the masks of a sequence are drawn where it is started
    forced = model(source, tokens, lengths)
    torch.manual_seed(3)
    state, memory = model.encode(source)
    log_probabilities = []
    for token in tokens[:, :-1].unbind(dim=1):
        log_p, state = model.step(token, state, memory)
        log_probabilities.append(log_p)
    log_p = torch.stack(log_probabilities, dim=1)  # [B, T, V]
    torch.testing.assert_close(forced.logits.log_softmax(dim=2), log_p)

    forced.logits.log_softmax(dim=2)[..., 3].sum().backward()
    for key, parameter in model.named_parameters():
        if key.startswith(UNREAD.get((model_name, cell), ("nothing",))):
            assert parameter.grad is None
            continue
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
