"""Every yaml of conf/recurrent in every captioning model: `recurrent=NAME` swaps the cell."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab.components.layers.initial_state import InitialState
from seqlab.components.tree import tensors
from seqlab.config import catalog
from seqlab.config.build import factory
from seqlab.config.compose import compose
from tests.unit.components.recurrent.cells import AROUND, build
from tests.unit.models.captioning_parts import ATTENTIONS, example
from tests.unit.models.captioning_parts import build as build_model
from tests.unit.models.teaching import decode_along

NAMES = catalog.names("recurrent")
MODELS = ("show_tell", "neuraltalk", "show_attend_tell")
FORGETS = ("show_tell", "feedforward")  # reads the image as a first word, of which nothing remains


def node(name: str) -> dict[str, Any]:
    """A yaml with the defaults in its slots, as Hydra composes it."""
    entry = catalog.describe("recurrent", name)
    inner = {slot.package: node(str(slot.default)) for slot in entry.slots}
    return {**inner, **entry.values}


@pytest.fixture(params=[(model, name) for model in MODELS for name in NAMES], ids=" ".join)
def model(request: pytest.FixtureRequest) -> Any:
    model_name, name = request.param
    parts = {"attention": ATTENTIONS["additive"]} if model_name == "show_attend_tell" else {}
    slot = "show_attend_tell additive lstm" if parts else f"{model_name} lstm"
    return build_model(slot, recurrent=factory(node(name)), **parts).train()


def test_teacher_forcing_equals_stepping_and_every_parameter_learns(
    model: Any, request: pytest.FixtureRequest
) -> None:
    source, tokens, lengths = example(batch_size=4, num_steps=7)
    torch.manual_seed(3)  # the masks of a sequence are drawn where it is started
    forced = model(source, tokens, lengths)
    torch.manual_seed(3)
    log_p, _ = decode_along(model, source, tokens)
    torch.testing.assert_close(forced.logits.log_softmax(dim=2), log_p)

    log_p[..., 3].sum().backward()
    for key, parameter in model.named_parameters():
        if " ".join(FORGETS) in request.node.name and key.startswith("image."):
            continue
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key


def test_an_example_is_the_same_alone_and_in_a_longer_batch(model: Any) -> None:
    model.eval()
    source, tokens, lengths = example()
    together = model(source, torch.cat([tokens, tokens[:, -1:] * 0], dim=1), lengths)
    for n in range(3):
        alone = model(source[n : n + 1], tokens[n : n + 1], lengths[n : n + 1])
        torch.testing.assert_close(alone.logits[0], together.logits[n, : tokens.shape[1] - 1])


def test_values_are_set_in_the_inner_cell_too() -> None:
    overrides = ["model=show_tell", "recurrent=stacked", "model.recurrent.num_layers=4"]
    config = compose("train", [*overrides, "model.recurrent.cell.forget_bias=0.5"])
    cell = factory(config.model.recurrent)(input_dim=2, hidden_dim=3)
    assert len(cell.layers) == 4
    assert cell.layers[3].kernel.bias_ih_l0[3:6].tolist() == [0.5] * 3


@pytest.mark.parametrize(
    "overrides",
    [
        ["recurrent@model.recurrent=stacked", "recurrent@model.recurrent.cell=gru_before"],
        ["recurrent=stacked", "recurrent@model.recurrent.cell=gru_before"],
        ["recurrent@model.recurrent.cell=gru_before", "recurrent=stacked"],
    ],
)
def test_the_inner_cell_is_swapped_too(overrides: list[str]) -> None:
    config = compose("train", ["model=show_tell", *overrides])
    cell = factory(config.model.recurrent)(input_dim=2, hidden_dim=3)
    assert [layer.reset for layer in cell.layers] == ["before", "before"]


def test_the_outer_cell_is_the_one_that_is_swapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(catalog.conf_dir(), tmp_path / "conf")
    text = (folder / "model/show_tell.yaml").read_text()
    (folder / "model/deep.yaml").write_text(text.replace("retentive_lstm", "stacked"))
    monkeypatch.setattr(catalog, "conf_dir", lambda: folder)
    assert compose("train", ["model=deep"]).model.recurrent.num_layers == 2
    config = compose("train", ["model=deep", "recurrent=gru_before"])
    assert config.model.recurrent.reset == "before"
    assert "cell" not in config.model.recurrent


@pytest.mark.parametrize("name", AROUND)
def test_every_vector_of_a_nested_state_has_its_own_perceptron(name: str) -> None:
    """Masks are drawn as ever, and no vector is made that nothing reads."""
    cell = build(name, 2, 4)
    layer = InitialState(cell=cell, input_dim=3).double()
    inputs = torch.randn(5, 3).double()
    torch.manual_seed(1)
    state = layer(inputs)
    torch.manual_seed(1)
    expected = cell.start({key: each(inputs) for key, each in layer.fields.items()})
    torch.testing.assert_close(list(tensors(state)), list(tensors(expected)))
    assert set(layer.fields) == set(cell.start_sizes())
    assert all(each is not own for each in layer.modules() for own in cell.modules())
