"""Objects from nodes, and the names that are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from seqlab.config.build import build, factory, locate
from seqlab.config.errors import UserError

HERE = (__name__,)


class Score:
    def __init__(self, *, query_dim: int, hidden_dim: int = 3) -> None:
        self.query_dim, self.hidden_dim = query_dim, hidden_dim


class Attention:
    def __init__(self, *, score: Score, value_dim: int) -> None:
        self.score, self.value_dim = score, value_dim


class Model:
    def __init__(
        self,
        *,
        vocab_size: int,
        attention: Callable[..., Attention],
        layers: list[nn.Module],
        extra: Callable[..., Attention] | None,
        betas: tuple[float, float],
        folder: Path,
        weights: dict[str, float],
    ) -> None:
        self.vocab_size, self.layers, self.extra = vocab_size, layers, extra
        self.attention = attention(query_dim=5, value_dim=7)
        self.betas, self.folder, self.weights = betas, folder, weights


def function(x: int = 1) -> int:
    return x


def node(**changes: Any) -> dict[str, Any]:
    score = {"_target_": f"{__name__}.Score", "hidden_dim": 4}
    values = {
        "_target_": f"{__name__}.Model",
        "attention": {"_target_": f"{__name__}.Attention", "score": score},
        "layers": [{"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3}],
        "extra": None,
        "betas": [0.1, 0.2],
        "folder": "a/b",
        "weights": {"kl": 0.5},
    }
    return {**values, **changes}


def texts(error: pytest.ExceptionInfo[UserError]) -> list[tuple[str, str]]:
    return [(problem.key, problem.message) for problem in error.value.problems]


def test_parts_are_built_before_their_owner_and_slots_by_it() -> None:
    model = build(OmegaConf.create(node()), allow=HERE, vocab_size=11, unused=1)

    assert (model.vocab_size, model.betas, model.folder) == (11, (0.1, 0.2), Path("a/b"))
    assert isinstance(model.layers[0], nn.Linear)
    assert model.weights == {"kl": 0.5}
    # Each of the attention and its score took the sizes that its signature names.
    assert (model.attention.value_dim, model.attention.score.query_dim) == (7, 5)
    assert model.attention.score.hidden_dim == 4
    assert model.extra is None


def test_offers_reach_the_parts_in_slots_too() -> None:
    attention = {
        "_target_": f"{__name__}.Attention",
        "score": {"_target_": f"{__name__}.Score"},
    }
    model = build(node(attention=attention), allow=HERE, vocab_size=11, hidden_dim=9)
    assert model.attention.score.hidden_dim == 9


def test_an_optional_slot_gets_a_factory_too() -> None:
    extra = {"_target_": f"{__name__}.Attention", "score": {"_target_": f"{__name__}.Score"}}
    model = build(node(extra=extra), allow=HERE, vocab_size=11)
    first, second = (model.extra(query_dim=1, value_dim=n) for n in (1, 2))
    assert (first.value_dim, second.value_dim) == (1, 2)
    assert first.score is not second.score


def test_a_size_that_is_offered_and_written_is_an_error() -> None:
    attention = {
        "_target_": f"{__name__}.Attention",
        "score": {"_target_": f"{__name__}.Score", "query_dim": 3},
    }
    with pytest.raises(UserError) as error:
        build(node(attention=attention), allow=HERE, vocab_size=11)
    message = "Score is given it by what uses it; leave it out"
    assert texts(error) == [("attention.score.query_dim", message)]


def test_problems_have_the_key_in_the_whole_config() -> None:
    config = OmegaConf.create({"model": node(dropot=1)})
    with pytest.raises(UserError) as error:
        build(config.model, allow=HERE)
    assert texts(error) == [
        ("model.dropot", "Model has no argument dropot"),
        ("model.vocab_size", "Model needs it and nothing gives it"),
    ]


@pytest.mark.parametrize("name", ["_partial_", "_args_", "_recursive_", "_convert_"])
def test_other_keys_of_hydra_are_errors(name: str) -> None:
    with pytest.raises(UserError) as error:
        build(node(**{name: True}), allow=HERE, vocab_size=1)
    assert texts(error) == [(name, "has no meaning in a part (Model)")]


def test_factory_takes_offers_when_called() -> None:
    make = factory(OmegaConf.create({"_target_": "torch.optim.SGD", "lr": 0.5}))
    parameter = nn.Parameter(torch.ones(1))
    optimizer = make(params=[parameter])
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_factory_refuses_a_bad_name_before_it_is_called() -> None:
    with pytest.raises(UserError):
        factory({"_target_": "os.system", "command": "true"})


def test_interpolations_are_followed() -> None:
    config = OmegaConf.create(
        {"width": 3, "part": {"_target_": f"{__name__}.Score", "query_dim": "${width}"}}
    )
    assert build(config.part, allow=HERE).query_dim == 3


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.load",
        "torch.hub.load",
        "seqlabs.x.Y",
        "seqlab.config.build.os.system",
        "torch.nn.modules.module.os.system",
        "torch.nn.modules.module.torch.load",
        "seqlab.config.build.importlib",
        "seqlab.config.build.importlib.import_module",
        "torch.nn.modules.module.OrderedDict",  # imported there, defined elsewhere
        "seqlab.data.download.Path",
        "seqlab.run.rundir.atomic_write",  # a function that writes where it is told
        "lightning.LightningModule.load_from_checkpoint",  # unpickles
        "torch.nn.functional.relu",
        "seqlab.config.build.Missing",
        "seqlab.nowhere.Thing",
        "seqlab",
        "seqlab.config.build.__builtins__",
        "torch.nn.Linear()",
        "torch.nn..Linear",
        "",
        3,
    ],
)
def test_names_that_are_refused(target: Any) -> None:
    with pytest.raises(UserError):
        locate(target)


def test_names_that_are_allowed() -> None:
    assert locate("torch.nn.Linear") is nn.Linear
    assert locate("torch.optim.lr_scheduler.StepLR") is torch.optim.lr_scheduler.StepLR
    assert locate(f"{__name__}.Score", HERE) is Score
    assert locate(f"{__name__}.function", HERE) is function  # the user vouches for the package


def test_a_package_has_to_be_named_by_the_user() -> None:
    with pytest.raises(UserError, match=r"allow=\[tests\] on the command line allows more"):
        locate("tests.unit.config.test_build.Score")
