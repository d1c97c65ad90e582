"""Small parts that the tests of video captioning models put together."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqlab.components.backbones.interface import Backbone
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.components.video.local_features import DenseC3D, NoLocalFeatures
from seqlab.models.interfaces import Footage, VideoCaptioningModel, Watched
from seqlab.models.video_captioning.mean_pool_lstm import MeanPoolLSTM
from seqlab.models.video_captioning.s2vt import S2VT
from seqlab.models.video_captioning.temporal_attention import TemporalAttention
from tests.unit.models.captioning_parts import additive, hard, local_m

VOCABULARY, CHANNELS, HIDDEN, EMBEDDING, PAD, START, END = 9, 3, 5, 4, 0, 1, 2

lstm = partial(LSTMCell, forget_bias=1.0)
two_layers = partial(Stacked, cell=lstm, num_layers=2, dropout=0.0)
gru = partial(GRUCell, reset="before")


class Colours(Backbone):
    """The image as its own feature map."""

    channels, stride, frozen = CHANNELS, 1, True
    mean = std = (0.0, 0.0, 0.0)

    def forward(self, images: Tensor) -> Tensor:
        return images

    def fingerprint(self) -> str:
        return ""


def dense(**changed: Any) -> DenseC3D:
    sizes: dict[str, Any] = {"widths": (4, 2), "depths": (1, 1), "temporal_depth": 3}
    return DenseC3D(**{**sizes, "batch_norm": False, "weights": None, **changed})


PARTS: dict[str, tuple[type[VideoCaptioningModel], dict[str, Any]]] = {
    "mean_pool_lstm": (MeanPoolLSTM, {"recurrent": two_layers}),
    "mean_pool_lstm gru": (MeanPoolLSTM, {"recurrent": gru}),
    "s2vt": (S2VT, {"recurrent": lstm}),
    "s2vt two_layers": (S2VT, {"recurrent": two_layers}),
    "temporal_attention": (TemporalAttention, {"recurrent": lstm, "attention": additive}),
    "temporal_attention hard": (TemporalAttention, {"recurrent": gru, "attention": hard}),
    "temporal_attention local": (
        TemporalAttention,
        {"recurrent": lstm, "attention": additive, "local_features": dense},
    ),
    "temporal_attention local_m": (
        TemporalAttention,
        {"recurrent": lstm, "attention": local_m, "hidden_dim": CHANNELS},
    ),
}
MODELS = list(PARTS)


def build(name: str, dropout: float = 0.0) -> VideoCaptioningModel:
    """A model in double precision, every parameter of it away from 0."""
    torch.manual_seed(0)
    kind, parts = PARTS[name]
    arguments = {
        "vocab_size": VOCABULARY,
        "pad_id": PAD,
        "backbone": Colours(),
        "embedding_dim": EMBEDDING,
        "hidden_dim": HIDDEN,
        "dropout": dropout,
        **parts,
    }
    if kind is TemporalAttention:
        arguments["local_features"] = parts.get("local_features", NoLocalFeatures)()
    model = kind(**arguments).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model


def footage(num_frames: int = 5) -> Footage:
    """Three videos, of 5, 3 and 1 frames; what comes after them is no video."""
    generator = torch.Generator().manual_seed(3)
    frames = torch.rand(3, num_frames, 3, 4, 4, generator=generator).double()
    return Footage(frames, torch.tensor([5, 3, 1]))


def sentences(num_steps: int = 4) -> tuple[Tensor, Tensor]:
    """Tokens [B, T + 1] and lengths [B], the first the longest."""
    generator = torch.Generator().manual_seed(8)
    tokens = torch.full((3, num_steps + 1), PAD)
    lengths = torch.tensor([num_steps - n for n in range(3)])
    for n, length in enumerate(lengths.tolist()):
        words = torch.randint(3, VOCABULARY, (length - 1,), generator=generator).tolist()
        tokens[n, : length + 1] = torch.tensor([START, *words, END])
    return tokens, lengths


def rows(watched: Watched, index: list[int]) -> Watched:
    """Some of the videos."""
    return Watched(watched.vectors[index], watched.lengths[index])
