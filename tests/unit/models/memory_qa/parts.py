"""Small models of memory_qa, and questions to ask them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from seqlab.components.memory.bag_of_ngrams import BagOfNgrams
from seqlab.components.memory.bag_of_words import BagOfWords
from seqlab.components.memory.dnc import DNCCell
from seqlab.components.memory.ntm import NTMCell
from seqlab.components.memory.position_encoding import PositionEncoding
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.models.interfaces import QuestionAnswerer, Questions
from seqlab.models.memory_qa.bow_qa import BagOfWordsQA
from seqlab.models.memory_qa.kv_memnn import KVMemNN
from seqlab.models.memory_qa.memn2n import MemN2N
from seqlab.models.memory_qa.memnn import MemNN
from seqlab.models.memory_qa.word_reader import WordReader

VOCABULARY, PAD, DIM = 9, 0, 4

ENCODINGS: dict[str, Callable[..., Any]] = {
    "bow": BagOfWords,
    "position": PositionEncoding,
    "ngrams": partial(BagOfNgrams, longest_run=3, num_buckets=20),
}


def small_lstm(**sizes: int) -> LSTMCell:
    return LSTMCell(**sizes, forget_bias=1.0)


def stacked_lstm(**sizes: int) -> Stacked:
    return Stacked(**sizes, cell=small_lstm, num_layers=2, dropout=0.0)


def small_ntm(**sizes: int) -> NTMCell:
    return NTMCell(
        **sizes,
        controller=small_lstm,
        num_slots=5,
        slot_size=3,
        num_reads=1,
        num_writes=1,
        similarity="cosine",
        shift_range=1,
        initial_memory="constant",
    )


def small_dnc(**sizes: int) -> DNCCell:
    return DNCCell(
        **sizes,
        controller=small_lstm,
        num_slots=5,
        slot_size=3,
        num_reads=2,
        training_slots=None,
        free_bias=0.0,
        clip=20.0,
    )


CELLS: dict[str, Callable[..., Any]] = {
    "stacked": stacked_lstm,
    "ntm": small_ntm,
    "dnc": small_dnc,
}
# Each model by name, encoding or cell, and what else is not as usual.
MODELS = [
    "memn2n position adjacent",
    "memn2n bow layer_wise",
    "memn2n ngrams adjacent linear",
    "memn2n position layer_wise linear",
    "memnn bow",
    "memnn ngrams adaptive nonlinear",
    "kv_memnn bow",
    "kv_memnn position ordered",
    "bow_qa ngrams",
    *(f"reader {cell}" for cell in CELLS),
]
ATTENDING = [name for name in MODELS if "mem" in name]


def build(name: str, **settings: Any) -> QuestionAnswerer:
    """A model in double precision, evaluated."""
    torch.manual_seed(0)
    kind, part, *choices = name.split()
    dim = settings.pop("embedding_dim", DIM)
    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_id": PAD, "embedding_dim": dim}
    if kind == "reader":
        usual = {"recurrent": CELLS[part], "hidden_dim": 5, "dropout": 0.0}
        return WordReader(**sizes, **{**usual, **settings}).double().eval()
    sizes["sentence_encoding"] = ENCODINGS[part]
    if kind == "bow_qa":
        return BagOfWordsQA(**sizes, **settings).double().eval()
    if kind == "memn2n":
        model_type: type[QuestionAnswerer] = MemN2N
        usual = {"num_hops": 3, "memory_size": 4, "time_noise": 0.0}
        usual["tying"] = choices[0]
        usual["linear_start_epochs"] = 2 if "linear" in choices else 0
    elif kind == "memnn":
        model_type = MemNN
        usual = {"num_hops": 3, "margin": 0.1}
        usual |= {choice: choice in choices for choice in ("adaptive", "nonlinear")}
    else:
        model_type = KVMemNN
        usual = {"num_hops": 2, "time_noise": 0.0}
        usual["memory_size"] = 4 if "ordered" in choices else None
    model = model_type(**sizes, **{**usual, **settings}).double().eval()
    with torch.no_grad():  # far enough from 0 that nothing is lost in rounding
        for parameter in model.parameters():
            parameter.mul_(4)
    return model


def example() -> tuple[Questions, Tensor]:
    """Stories of 6, 3 and 1 facts, a question on each, and which facts support its answer."""
    generator = torch.Generator().manual_seed(3)
    lengths = [6, 3, 1]
    facts = torch.full((3, 6, 4), PAD)
    question = torch.full((3, 3), PAD)
    for n, length in enumerate(lengths):
        for fact in range(length):
            num_words = 4 - (n + fact) % 3
            words = torch.randint(1, VOCABULARY, (num_words,), generator=generator)
            facts[n, fact, :num_words] = words
        question[n, : 3 - n % 2] = torch.randint(1, VOCABULARY, (3 - n % 2,), generator=generator)
    supporting = torch.tensor([[4, 2], [1, -1], [0, -1]])
    return Questions(facts, torch.tensor(lengths), question), supporting


def further(questions: Questions) -> Questions:
    """The same with more padding after the words, the facts and the question."""
    facts = pad(questions.facts, (0, 2, 0, 3), value=PAD)
    return Questions(facts, questions.num_facts, pad(questions.question, (0, 4), value=PAD))
