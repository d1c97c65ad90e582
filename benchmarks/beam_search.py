"""Beam search over 64 images at once beside decoding image by image the usual way.

Both use the same weights of show, attend and tell and are checked to find the same captions. The
usual way decodes one image after the other with hypotheses in Python lists and does everything in
each step: embedding, LSTMCell, attention with its key projection, output layer. seqlab's search is
also measured image by image. Runs of all alternate in one process, so that what else the machine
does falls on all; medians are printed.

    python -m benchmarks.beam_search
"""

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

import psutil
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
from seqlab.components.decoding.beam import Beam
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.captioning.show_attend_tell import ShowAttendTell

NUM_IMAGES, BEAM, MAX_LENGTH = 64, 5, 20
PAD, START, END = 0, 1, 2
SHARPNESS, END_BIAS = 5.0, 7.0  # random weights hardly prefer a word, and never end

Captions = list[tuple[list[int], float]]  # tokens and log-probability of each image
State = tuple[Tensor, Tensor]  # hidden and cell of an LSTM, [K, H] each


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
        """Log-probabilities [K, V] after words [K], with the image [K, L, D] at each."""
        decoder, (hidden, cell) = self.decoder, state
        word = decoder.embedding(words)  # [K, E]
        meeting = torch.tanh(decoder.key(values) + decoder.query(hidden).unsqueeze(1))  # [K, L, A]
        alpha = decoder.energy(meeting).squeeze(2).softmax(dim=1)  # [K, L]
        context = (alpha.unsqueeze(2) * values).sum(dim=1)  # [K, D]
        context = torch.sigmoid(decoder.gate(hidden)) * context  # [K, D]
        hidden, cell = decoder.cell(torch.cat([word, context], dim=1), (hidden, cell))
        deep = word + decoder.from_hidden(hidden) + decoder.from_context(context)  # [K, E]
        return decoder.to_vocabulary(deep).log_softmax(dim=1), (hidden, cell)

    @torch.no_grad()
    def caption(self, source: Tensor) -> tuple[list[int], float]:
        """The best caption of features [1, D, h, w]."""
        values = source.flatten(2).transpose(1, 2)  # [1, L, D]
        state = self.decoder.initial_state(values.mean(dim=1))
        live: Captions = [([START], 0.0)]
        best: tuple[list[int], float] = ([], float("-inf"))
        for length in range(1, MAX_LENGTH + 1):
            words = torch.tensor([tokens[-1] for tokens, _ in live])
            totals = torch.tensor([total for _, total in live])
            scores, state = self.step(words, state, values.expand(len(live), -1, -1))
            top = (totals.unsqueeze(1) + scores).flatten().topk(2 * BEAM)
            grown: Captions = []
            parents = []
            for rank, (total, index) in enumerate(
                zip(top.values.tolist(), top.indices.tolist(), strict=True)
            ):
                parent, word = divmod(index, VOCABULARY)
                hypothesis = ([*live[parent][0], word], total)
                ends = word == END or length == MAX_LENGTH
                if ends and rank < BEAM and total > best[1]:
                    best = hypothesis
                if word != END and len(grown) < BEAM:
                    grown.append(hypothesis)
                    parents.append(parent)
            if best[1] >= grown[0][1]:
                break
            live, chosen = grown, torch.tensor(parents)
            state = (state[0][chosen], state[1][chosen])
        return best[0][1:], best[1]

    def __call__(self, source: Tensor) -> Captions:
        """The best caption of each image of [B, D, h, w]."""
        return [self.caption(image) for image in source.split(1)]


class OurSearch:
    """seqlab's beam search over `batch_size` images at once."""

    def __init__(self, model: ShowAttendTell, *, batch_size: int) -> None:
        self.model, self.batch_size = model, batch_size
        self.search = Beam(
            beam_size=BEAM,
            num_best=1,
            length_penalty=0.0,
            coverage_penalty=0.0,
            max_length=MAX_LENGTH,
        )

    @torch.no_grad()
    def __call__(self, source: Tensor) -> Captions:
        """The best caption of each image of [B, D, h, w]."""
        captions: Captions = []
        for part in source.split(self.batch_size):
            state, memory = self.model.encode(part)
            found = self.search(self.model.step, state, memory, start_id=START, end_id=END)
            for tokens, length, total in zip(
                found.tokens[:, 0].tolist(),
                found.lengths[:, 0].tolist(),
                found.log_probabilities[:, 0].tolist(),
                strict=True,
            ):
                captions.append((tokens[:length], total))
        return captions


SEARCHES: dict[str, Callable[[ShowAttendTell], Callable[[Tensor], Captions]]] = {
    "usual, image by image": UsualSearch,
    "seqlab, image by image": partial(OurSearch, batch_size=1),
    f"seqlab, {NUM_IMAGES} at once": partial(OurSearch, batch_size=NUM_IMAGES),
}


def check_equal(searches: dict[str, Callable[[Tensor], Captions]], source: Tensor) -> None:
    """Raises AssertionError where the searches do not find the same captions."""
    expected, *others = (search(source) for search in searches.values())
    for found in others:
        assert [tokens for tokens, _ in found] == [tokens for tokens, _ in expected]
        for (_, total), (_, own) in zip(expected, found, strict=True):
            assert abs(total - own) < 1e-3, f"log-probabilities {total} and {own}"
    lengths = [len(tokens) for tokens, _ in expected]
    print(
        f"equal: {len({tuple(tokens) for tokens, _ in expected})} different captions of "
        f"{min(lengths)} to {max(lengths)} tokens, {statistics.mean(lengths):.1f} on average"
    )


def seconds(function: Callable[[], Captions]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def send_peak(name: str, connection: Connection) -> None:
    """Send by how many MB the resident memory of this process grows at most in a search."""
    torch.set_num_threads(1)
    search, source = SEARCHES[name](build()), images()
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    search(source)
    done.set()
    watcher.join()
    connection.send((peak - before) / 1e6)


def peak_memory(name: str) -> float:
    """MB that a search adds, in a fresh process, to weights and features."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send_peak, args=(name, sender))
    child.start()
    sender.close()
    peak = receiver.recv()
    child.join()
    return peak


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
    peaks = {name: peak_memory(name) for name in SEARCHES}
    model, source = build(), images()
    searches = {name: make(model) for name, make in SEARCHES.items()}
    torch.set_num_threads(1)
    check_equal(searches, source)  # also warms up

    print(f"\n{'threads':>7}  {'search':24}{'seconds':>9}{'times':>7}{'peak MB':>9}")
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        times: dict[str, list[float]] = {name: [] for name in searches}
        for _ in range(repeats):
            for name, search in searches.items():
                times[name].append(seconds(partial(search, source)))
        medians = {name: statistics.median(values) for name, values in times.items()}
        usual = next(iter(medians.values()))
        for name, median in medians.items():
            print(f"{num_threads:7}  {name:24}{median:9.2f}{usual / median:7.1f}{peaks[name]:9.0f}")
    print(
        "peak: what a search adds to weights and features, in a process and one thread of its own"
    )


if __name__ == "__main__":
    main()
