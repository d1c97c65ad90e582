"""Small parts that the tests of translation models put together."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from seqlab.components.recurrent.stacked import Stacked
from seqlab.models.interfaces import Sentences, TranslationModel
from seqlab.models.translation.luong import Luong
from seqlab.models.translation.rnn_search import RNNSearch
from seqlab.models.translation.seq2seq import Seq2Seq
from tests.unit.models.captioning_parts import ATTENTIONS as GLOBAL_ATTENTIONS
from tests.unit.models.captioning_parts import CELLS as LAYERS
from tests.unit.models.captioning_parts import LOCAL_ATTENTIONS

SOURCE_VOCABULARY, TARGET_VOCABULARY, HIDDEN, EMBEDDING = 8, 9, 6, 4
PAD, START, END = 0, 1, 2


ATTENTIONS = GLOBAL_ATTENTIONS | LOCAL_ATTENTIONS
CELLS = {
    **LAYERS,
    "stacked": partial(Stacked, cell=LAYERS["lstm"], num_layers=2, dropout=0.0),
}
MODEL_TYPES = {"rnn_search": RNNSearch, "seq2seq": Seq2Seq, "luong": Luong}
SIZES = {
    "source_vocab_size": SOURCE_VOCABULARY,
    "target_vocab_size": TARGET_VOCABULARY,
    "pad_id": PAD,
    "embedding_dim": EMBEDDING,
    "hidden_dim": HIDDEN,
}
# Model, what it attends by, its cell, and its options.
MODELS = [
    *(f"rnn_search {attention} gru_after" for attention in ATTENTIONS),
    *(f"rnn_search additive {cell}" for cell in CELLS if cell != "gru_after"),
    *(f"rnn_search {attention} gru_before conditional" for attention in ATTENTIONS),
    *(f"rnn_search dot {cell} conditional" for cell in ("lstm", "stacked")),
    *(f"seq2seq - {cell}" for cell in CELLS),
    "seq2seq - stacked reversed",
    *(f"luong {attention} stacked fed" for attention in ATTENTIONS),
    *(f"luong {attention} stacked" for attention in ATTENTIONS),
    *(f"luong general {cell} reversed fed" for cell in LAYERS),
    *(f"luong local_m {cell} reversed" for cell in LAYERS),
]


def build(name: str, dropout: float = 0.0, **parts: Any) -> TranslationModel:
    """A model in double precision, every parameter of it away from 0."""
    torch.manual_seed(0)
    arguments = arguments_of(*name.split()) | {"dropout": dropout} | parts
    model = arguments.pop("type")(**SIZES, **arguments).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def arguments_of(model_name: str, attention: str, cell: str, *options: str) -> dict[str, Any]:
    """What the words of a name stand for."""
    arguments: dict[str, Any] = {"type": MODEL_TYPES[model_name], "recurrent": CELLS[cell]}
    if model_name != "seq2seq":
        arguments["attention"] = ATTENTIONS[attention]
    if model_name == "rnn_search":
        conditional = "conditional" in options
        return arguments | {"encoder_dim": 3, "maxout_dim": 5, "conditional": conditional}
    arguments["reverse_source"] = "reversed" in options
    if model_name == "luong":
        arguments["input_feeding"] = "fed" in options
    return arguments


def example() -> tuple[Sentences, Tensor, Tensor]:
    """Three sentences [B, S], translations [B, T + 1] and their lengths [B]."""
    source = sentences([[5, 3, 4, 7], [6], [3, 7, 5]])
    tokens, lengths = sentences([[3, 8, 4], [5, 6, 6, 7], []])
    start = torch.full((3, 1), START)
    return source, torch.cat([start, tokens], dim=1), lengths


def sentences(words: list[list[int]]) -> Sentences:
    """Lists of words, ended and padded."""
    lengths = torch.tensor([len(each) + 1 for each in words])
    tokens = torch.full((len(words), int(lengths.max())), PAD)
    for row, each in zip(tokens, words, strict=True):
        row[: len(each) + 1] = torch.tensor([*each, END])
    return Sentences(tokens, lengths)
