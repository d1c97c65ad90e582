"""A training step of show, attend and tell's decoder beside the usual way to write it.

Both compute the same equations with the same weights on the same batch, and the losses and
gradients are checked to be equal. The usual way has everything in the time loop: embedding,
LSTMCell, attention with its key projection, output layer. Steps of both alternate in one process,
so that what else the machine does falls on both; medians are printed.

    python -m benchmarks.decoder_step
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
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.interface import Attention
from seqlab.components.attention.soft import SoftAttention
from seqlab.components.backbones.interface import Backbone
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.captioning.show_attend_tell import ShowAttendTell

BATCH, GRID, CHANNELS, NUM_WORDS = 32, 14, 512, 20
EMBEDDING, HIDDEN, ATTENTION, VOCABULARY = 512, 512, 512, 10_000
MATRIX = 2048  # side of the square product that the machine's rate is measured with


class GivenFeatures(Backbone):
    """Stands for the network that made the features, which is not what is measured."""

    channels, stride, frozen = CHANNELS, 16, True
    mean = std = (0.0, 0.0, 0.0)

    def forward(self, images: Tensor) -> Tensor:
        return images

    def fingerprint(self) -> str:
        return ""


class UsualDecoder(nn.Module):
    """The same equations as a time loop that does everything; takes the weights of ours."""

    def __init__(self, ours: ShowAttendTell) -> None:
        super().__init__()
        self.initial_state = ours.initial_state
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING, padding_idx=0)
        self.cell = nn.LSTMCell(EMBEDDING + CHANNELS, HIDDEN)
        self.key = nn.Linear(CHANNELS, ATTENTION)
        self.query = nn.Linear(HIDDEN, ATTENTION, bias=False)
        self.energy = nn.Linear(ATTENTION, 1, bias=False)
        self.gate = nn.Linear(HIDDEN, 1)
        self.from_hidden = nn.Linear(HIDDEN, EMBEDDING, bias=False)
        self.from_context = nn.Linear(CHANNELS, EMBEDDING, bias=False)
        self.to_vocabulary = nn.Linear(EMBEDDING, VOCABULARY)
        self.load_weights(ours)

    def load_weights(self, ours: ShowAttendTell) -> None:
        kernel, score, output = ours.cell.kernel, ours.attention.score, ours.output
        for mine, theirs in (
            (self.embedding, ours.embedding),
            (self.key, score.key),
            (self.query, score.query),
            (self.energy, score.energy),
            (self.gate, ours.gate),
            (self.from_hidden, output.from_hidden),
            (self.from_context, output.from_context),
            (self.to_vocabulary, output.to_vocabulary),
        ):
            mine.load_state_dict(theirs.state_dict())
        with torch.no_grad():
            self.cell.weight_ih.copy_(torch.cat([kernel.weight_ih_l0, ours.from_context.weight], 1))
            self.cell.weight_hh.copy_(kernel.weight_hh_l0)
            self.cell.bias_ih.copy_(kernel.bias_ih_l0)
            self.cell.bias_hh.copy_(kernel.bias_hh_l0)

    def forward(self, source: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, T, V] and the doubly stochastic penalty [B]."""
        values = source.flatten(2).transpose(1, 2)  # [B, L, D]
        hidden, cell = self.initial_state(values.mean(dim=1))  # [B, H] each
        logits, attended = [], torch.zeros(values.shape[:2])  # [B, L]
        for t in range(NUM_WORDS):
            word = self.embedding(tokens[:, t])  # [B, E]
            meeting = torch.tanh(self.key(values) + self.query(hidden).unsqueeze(1))  # [B, L, A]
            alpha = self.energy(meeting).squeeze(2).softmax(dim=1)  # [B, L]
            context = (alpha.unsqueeze(2) * values).sum(dim=1)  # [B, D]
            context = torch.sigmoid(self.gate(hidden)) * context  # [B, D]
            hidden, cell = self.cell(torch.cat([word, context], dim=1), (hidden, cell))  # [B, H]
            deep = word + self.from_hidden(hidden) + self.from_context(context)  # [B, E]
            logits.append(self.to_vocabulary(deep))  # [B, V]
            attended = attended + alpha
        return torch.stack(logits, dim=1), (1 - attended).square().sum(dim=1)


class OurDecoder(nn.Module):
    """Show, attend and tell as it is trained."""

    def __init__(self, model: ShowAttendTell) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, T, V] and the doubly stochastic penalty [B]."""
        forced = self.model(source, tokens, torch.full((BATCH,), NUM_WORDS))
        return forced.logits, forced.auxiliary["doubly_stochastic"].value


def additive(*, query_dim: int, value_dim: int) -> Attention:
    score = AdditiveScore(query_dim=query_dim, value_dim=value_dim, hidden_dim=ATTENTION)
    return SoftAttention(score=score)


def build() -> dict[str, nn.Module]:
    """Both decoders, with equal weights."""
    torch.manual_seed(0)
    model = ShowAttendTell(
        vocab_size=VOCABULARY,
        pad_id=0,
        backbone=GivenFeatures(),
        attention=additive,
        recurrent=partial(LSTMCell, forget_bias=1.0),
        embedding_dim=EMBEDDING,
        hidden_dim=HIDDEN,
        dropout=0.0,
    )
    return {"usual": UsualDecoder(model), "seqlab": OurDecoder(model)}


def batch() -> tuple[Tensor, Tensor]:
    """Feature maps [B, D, h, w] and tokens [B, T + 1]."""
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(BATCH, CHANNELS, GRID, GRID, generator=generator)
    return source, torch.randint(1, VOCABULARY, (BATCH, NUM_WORDS + 1), generator=generator)


def train_step(decoder: nn.Module, source: Tensor, tokens: Tensor) -> Tensor:
    """The loss of a batch, and its gradients; no optimizer, which is the same for both."""
    decoder.zero_grad(set_to_none=True)
    logits, penalty = decoder(source, tokens)
    nll = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    loss = nll + penalty.mean() / NUM_WORDS
    loss.backward()
    return loss.detach()


def check_equal(decoders: dict[str, nn.Module], source: Tensor, tokens: Tensor) -> None:
    """Raises AssertionError where the two do not compute the same loss and gradients."""
    usual, ours = decoders["usual"], decoders["seqlab"].model
    loss = train_step(usual, source, tokens)
    pairs = {
        "embedding": (usual.embedding, ours.embedding),
        "key": (usual.key, ours.attention.score.key),
        "query": (usual.query, ours.attention.score.query),
        "vocabulary": (usual.to_vocabulary, ours.output.to_vocabulary),
    }
    expected = {name: mine.weight.grad.clone() for name, (mine, _) in pairs.items()}
    torch.testing.assert_close(train_step(decoders["seqlab"], source, tokens), loss)
    for name, (_, theirs) in pairs.items():
        error = (theirs.weight.grad - expected[name]).norm() / expected[name].norm()
        assert error < 1e-4, f"gradients of {name} differ by {error:.1e} of their norm"
    print(f"equal: loss {loss:.6f}, gradients of {', '.join(pairs)}")


def milliseconds(function: Callable[[], Tensor]) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def measure(
    steps: dict[str, Callable[[], Tensor]], num_threads: int, repeats: int
) -> tuple[dict[str, float], float]:
    """Median milliseconds of each, and the machine's rate in GFLOP/s, all taken in turns."""
    torch.set_num_threads(num_threads)
    square = torch.randn(MATRIX, MATRIX)
    work = {**steps, "product": lambda: square @ square}
    times: dict[str, list[float]] = {name: [] for name in work}
    for repeat in range(repeats + 1):
        for name, function in work.items():
            elapsed = milliseconds(function)
            if repeat > 0:  # the first warms up
                times[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    rate = 2 * MATRIX**3 / medians.pop("product") / 1e6
    return medians, rate


def send_peak(name: str, connection: Connection) -> None:
    """Send by how many MB the resident memory of this process grows at most over three steps."""
    torch.set_num_threads(1)
    decoder, (source, tokens) = build()[name], batch()
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(3):
        train_step(decoder, source, tokens)
    done.set()
    watcher.join()
    connection.send((peak - before) / 1e6)


def peak_memory(name: str) -> float:
    """MB that training adds, in a fresh process, to weights and data, gradients included."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send_peak, args=(name, sender))
    child.start()
    sender.close()
    peak = receiver.recv()
    child.join()
    return peak


def count_gflop(step: Callable[[], Tensor]) -> float:
    """Arithmetic of a step's matrix products, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() / 1e9


def print_profile(step: Callable[[], Tensor]) -> None:
    """Where the time of a step goes, by operator, in one thread."""
    torch.set_num_threads(1)
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    print(f"\n{'operator':36}{'calls':>7}{'ms':>9}{'share':>8}")
    for event in events[:12]:
        spent = event.self_cpu_time_total
        print(f"{event.key:36}{event.count:7}{spent / 1000:9.1f}{spent / total:8.1%}")


def main() -> None:
    """Check that both compute the same, measure both, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=9, help="timed steps of each")
    repeats = parser.parse_args().repeats

    print(
        f"training step of the decoder: batch {BATCH}, features {GRID}x{GRID}x{CHANNELS}, "
        f"{NUM_WORDS} words, hidden {HIDDEN}, embedding {EMBEDDING}, attention {ATTENTION}, "
        f"vocabulary {VOCABULARY}; torch {torch.__version__}"
    )
    peaks = {name: peak_memory(name) for name in ("usual", "seqlab")}
    decoders, (source, tokens) = build(), batch()
    check_equal(decoders, source, tokens)
    steps = {name: partial(train_step, d, source, tokens) for name, d in decoders.items()}
    gflop = {name: count_gflop(step) for name, step in steps.items()}

    print(
        f"\n{'threads':>7}{'decoder':>9}{'ms':>8}{'times':>7}{'GFLOP':>8}{'GFLOP/s':>9}{'share':>7}"
    )
    for num_threads in (1, 2):
        medians, rate = measure(steps, num_threads, repeats)
        for name, median in medians.items():
            reached = 1000 * gflop[name] / median
            print(
                f"{num_threads:7}{name:>9}{median:8.0f}{medians['usual'] / median:7.2f}"
                f"{gflop[name]:8.1f}{reached:9.1f}{reached / rate:7.0%}"
            )
        print(f"{num_threads:7}  product of {MATRIX}x{MATRIX}{rate:18.1f}   100%")
    print(
        f"\npeak memory of three steps in a process of its own, in one thread, beyond weights and "
        f"data:\nusual {peaks['usual']:.0f} MB, seqlab {peaks['seqlab']:.0f} MB"
    )
    print_profile(steps["seqlab"])


if __name__ == "__main__":
    main()
