"""Small parts that the tests of captioning models put together."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.concat import ConcatScore
from seqlab.components.attention.dot import DotScore
from seqlab.components.attention.general import GeneralScore
from seqlab.components.attention.hard import HardAttention
from seqlab.components.attention.interface import Attention
from seqlab.components.attention.local import LocalMonotonic, LocalPredictive
from seqlab.components.attention.soft import SoftAttention
from seqlab.components.backbones.interface import Backbone
from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.captioning.neuraltalk import NeuralTalk
from seqlab.models.captioning.show_attend_tell import ShowAttendTell
from seqlab.models.captioning.show_tell import ShowTell
from seqlab.models.interfaces import CaptioningModel

VOCABULARY, CHANNELS, HIDDEN, EMBEDDING, PAD, START, END = 9, 5, 5, 4, 0, 1, 2


class NoBackbone(Backbone):
    """Gives the size of the feature maps that the tests make up."""

    channels = CHANNELS
    stride = 1
    frozen = True
    mean = std = (0.0, 0.0, 0.0)

    def forward(self, images: Tensor) -> Tensor:
        raise AssertionError("a captioning model is given features and runs no backbone")

    def fingerprint(self) -> str:
        return ""


def additive(**sizes: int) -> SoftAttention:
    return SoftAttention(score=AdditiveScore(hidden_dim=6, **sizes))


def hard(sample_probability: float = 0.5, **sizes: int) -> HardAttention:
    score = AdditiveScore(hidden_dim=6, **sizes)
    return HardAttention(score=score, sample_probability=sample_probability)


def local_m(window: int = 1, **sizes: int) -> LocalMonotonic:
    return LocalMonotonic(score=DotScore(**sizes), window=window)


def local_p(window: int = 2, **sizes: int) -> LocalPredictive:
    score = GeneralScore(**sizes)
    return LocalPredictive(score=score, query_dim=sizes["query_dim"], window=window)


ATTENTIONS: dict[str, Callable[..., Attention]] = {
    "additive": additive,
    "dot": lambda **sizes: SoftAttention(score=DotScore(**sizes)),
    "general": lambda **sizes: SoftAttention(score=GeneralScore(**sizes)),
    "concat": lambda **sizes: SoftAttention(score=ConcatScore(hidden_dim=6, **sizes)),
    "hard": hard,
}
LOCAL_ATTENTIONS: dict[str, Callable[..., Attention]] = {"local_m": local_m, "local_p": local_p}
CELLS: dict[str, Callable[..., Any]] = {
    "lstm": partial(LSTMCell, forget_bias=1.0),
    "gru_before": partial(GRUCell, reset="before"),
    "gru_after": partial(GRUCell, reset="after"),
    "elman_tanh": partial(ElmanCell, nonlinearity="tanh"),
    "elman_relu": partial(ElmanCell, nonlinearity="relu"),
}
MODELS = [
    *(f"show_attend_tell {attention} {cell}" for attention in ATTENTIONS for cell in CELLS),
    *(f"show_attend_tell {attention} lstm" for attention in LOCAL_ATTENTIONS),
    *(f"show_tell {cell}" for cell in CELLS),
    *(f"neuraltalk {cell}" for cell in CELLS),
]


def build(name: str, dropout: float = 0.0, **parts: Any) -> CaptioningModel:
    """A model in double precision, every parameter of it away from 0."""
    torch.manual_seed(0)
    model_name, *choices = name.split()
    sizes = {"vocab_size": VOCABULARY, "pad_id": PAD, "embedding_dim": EMBEDDING}
    slots = {"backbone": NoBackbone(), "recurrent": CELLS[choices[-1]]}
    if model_name == "show_attend_tell":
        slots["attention"] = (ATTENTIONS | LOCAL_ATTENTIONS)[choices[0]]
    types = {"show_attend_tell": ShowAttendTell, "show_tell": ShowTell, "neuraltalk": NeuralTalk}
    arguments = {**sizes, **slots, "hidden_dim": HIDDEN, "dropout": dropout, **parts}
    model = types[model_name](**arguments).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model


def example(batch_size: int = 3, num_steps: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Feature maps [B, D, 2, 3], tokens [B, T + 1] and lengths [B], the first the longest."""
    generator = torch.Generator().manual_seed(8)
    source = torch.randn(batch_size, CHANNELS, 2, 3, generator=generator).double()
    tokens = torch.full((batch_size, num_steps + 1), PAD)
    lengths = torch.tensor([max(num_steps - n, 1) for n in range(batch_size)])
    for n, length in enumerate(lengths.tolist()):
        words = torch.randint(3, VOCABULARY, (length - 1,), generator=generator).tolist()
        tokens[n, : length + 1] = torch.tensor([START, *words, END])
    return source, tokens, lengths
