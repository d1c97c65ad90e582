"""Beam search over 64 images at once beside decoding image by image the usual way.

Both use the same weights of show, attend and tell and are checked to find the same captions. The
usual way decodes one image after the other with hypotheses in Python lists and does everything in
each step: embedding, LSTMCell, attention with its key projection, output layer. seqlab's search is
also measured image by image. Runs of all alternate in one process, so that what else the machine
does falls on all; medians are printed.

    python -m benchmarks.beam_search
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.decoder_step import (
    ATTENTION,
    CHANNELS,
    EMBEDDING,
    GRID,
    HIDDEN,
    VOCABULARY,
    GivenFeatures,
    UsualDecoder,
    additive,
)
from benchmarks.measuring import Table, Work, peak_memory, take_turns
from benchmarks.searching import BEAM, END, OurSearch, Sequences, State, check_equal, usual_beam
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.captioning.show_attend_tell import ShowAttendTell

NUM_IMAGES, MAX_LENGTH = 64, 20
PAD = 0
SHARPNESS, END_BIAS = 5.0, 7.0  # random weights hardly prefer a word, and never end


def build() -> ShowAttendTell:
    """A model whose words are as uneven as a trained one's and whose captions end."""
    torch.manual_seed(0)
    model = ShowAttendTell(
        vocab_size=VOCABULARY,
        pad_id=PAD,
        backbone=GivenFeatures(),
        attention=additive,
        recurrent=partial(LSTMCell, forget_bias=1.0),
        embedding_dim=EMBEDDING,
        hidden_dim=HIDDEN,
        dropout=0.0,
    ).eval()
    with torch.no_grad():
        model.embedding.weight.normal_()
        for matrix in (model.output.from_hidden, model.output.from_context):
            matrix.weight.mul_(SHARPNESS)
        model.output.to_vocabulary.weight.mul_(SHARPNESS)
        model.output.to_vocabulary.bias[END] += END_BIAS
    return model.requires_grad_(False)


def images() -> Tensor:
    """Rectified features, as a network's last layer gives them, [B, D, h, w]."""
    torch.manual_seed(1)
    features = torch.randn(NUM_IMAGES, CHANNELS, GRID, GRID)
    offset = torch.randn(NUM_IMAGES, CHANNELS, 1, 1)  # what is common to an image
    return (features + offset).relu()


class UsualSearch:
    """Beam search for one image, as it is usually written."""

    def __init__(self, model: ShowAttendTell) -> None:
        self.decoder = UsualDecoder(model).eval().requires_grad_(False)

    def step(self, words: Tensor, state: State, values: Tensor) -> tuple[Tensor, State]:
        """Log-probabilities [K, V] after words [K], of the image [1, L, D]."""
        decoder, (hidden, cell) = self.decoder, state
        values = values.expand(len(words), -1, -1)  # [K, L, D]
        word = decoder.embedding(words)  # [K, E]
        meeting = torch.tanh(decoder.key(values) + decoder.query(hidden).unsqueeze(1))  # [K, L, A]
        alpha = decoder.energy(meeting).squeeze(2).softmax(dim=1)  # [K, L]
        context = (alpha.unsqueeze(2) * values).sum(dim=1)  # [K, D]
        context = torch.sigmoid(decoder.gate(hidden)) * context  # [K, D]
        hidden, cell = decoder.cell(torch.cat([word, context], dim=1), (hidden, cell))
        deep = word + decoder.from_hidden(hidden) + decoder.from_context(context)  # [K, E]
        return decoder.to_vocabulary(deep).log_softmax(dim=1), (hidden, cell)

    @torch.no_grad()
    def __call__(self, source: Tensor) -> Sequences:
        """The best caption of each image of [B, D, h, w]."""
        captions = []
        for image in source.split(1):
            values = image.flatten(2).transpose(1, 2)  # [1, L, D]
            state = self.decoder.initial_state(values.mean(dim=1))
            captions.append(usual_beam(partial(self.step, values=values), state, MAX_LENGTH))
        return captions


def seqlab_search(model: ShowAttendTell, *, batch_size: int) -> Callable[[Tensor], Sequences]:
    """Search of seqlab over features [B, D, h, w], `batch_size` images at once."""
    search = OurSearch(model, max_length=MAX_LENGTH)
    return lambda source: search(source.split(batch_size))


SEARCHES: dict[str, Callable[[ShowAttendTell], Callable[[Tensor], Sequences]]] = {
    "usual, image by image": UsualSearch,
    "seqlab, image by image": partial(seqlab_search, batch_size=1),
    f"seqlab, {NUM_IMAGES} at once": partial(seqlab_search, batch_size=NUM_IMAGES),
}


def make_search(name: str) -> Work:
    """A search with a model and images of its own."""
    return partial(SEARCHES[name](build()), images())


def main() -> None:
    """Check that all find the same, measure them, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each")
    repeats = parser.parse_args().repeats

    print(
        f"beam search: beam {BEAM}, {NUM_IMAGES} images, features {GRID}x{GRID}x{CHANNELS}, "
        f"hidden {HIDDEN}, embedding {EMBEDDING}, attention {ATTENTION}, "
        f"vocabulary {VOCABULARY}; torch {torch.__version__}"
    )
    peaks = {name: peak_memory(partial(make_search, name)) for name in SEARCHES}
    model, source = build(), images()
    searches = {name: partial(make(model), source) for name, make in SEARCHES.items()}
    torch.set_num_threads(1)
    check_equal({name: search() for name, search in searches.items()})

    print()
    table = Table(
        {
            "threads": (7, ""),
            "  search": (-26, ""),
            "seconds": (9, ".2f"),
            "times": (7, ".1f"),
            "peak MB": (9, ".0f"),
        }
    )
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        medians = take_turns(searches, repeats)
        usual = next(iter(medians.values()))
        for name, median in medians.items():
            table.row(num_threads, f"  {name}", median, usual / median, peaks[name])
    print(
        "peak: what a search adds to weights and features, in a process and one thread of its own"
    )


if __name__ == "__main__":
    main()
