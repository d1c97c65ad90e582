"""A training step of show, attend and tell's decoder beside the usual way to write it.

Both compute the same equations with the same weights on the same batch, and the losses and
gradients are checked to be equal. The usual way has everything in the time loop: embedding,
LSTMCell, attention with its key projection, output layer. Steps of both alternate in one process,
so that what else the machine does falls on both; medians are printed.

    python -m benchmarks.decoder_step
"""

import argparse
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring import (
    MATRIX,
    Table,
    Work,
    count_gflop,
    peak_memory,
    print_profile,
    take_turns_with_product,
)
from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.interface import Attention
from seqlab.components.attention.soft import SoftAttention
from seqlab.components.backbones.interface import Backbone
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.captioning.show_attend_tell import ShowAttendTell

BATCH, GRID, CHANNELS, NUM_WORDS = 32, 14, 512, 20
EMBEDDING, HIDDEN, ATTENTION, VOCABULARY = 512, 512, 512, 10_000


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


def additive(*, query_dim: int, value_dim: int, hidden_dim: int = ATTENTION) -> Attention:
    score = AdditiveScore(query_dim=query_dim, value_dim=value_dim, hidden_dim=hidden_dim)
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


def make_steps(name: str) -> Work:
    """Three steps of a decoder with weights and data of its own."""
    step = partial(train_step, build()[name], *batch())
    return lambda: [step() for _ in range(3)]


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
    peaks = {name: peak_memory(partial(make_steps, name)) for name in ("usual", "seqlab")}
    decoders, (source, tokens) = build(), batch()
    check_equal(decoders, source, tokens)
    steps = {name: partial(train_step, d, source, tokens) for name, d in decoders.items()}
    gflop = {name: count_gflop(step) for name, step in steps.items()}

    print()
    table = Table(
        {
            "threads": (7, ""),
            "decoder": (9, ""),
            "ms": (8, ".0f"),
            "times": (7, ".2f"),
            "GFLOP": (8, ".1f"),
            "GFLOP/s": (9, ".1f"),
            "share": (7, ".0%"),
        }
    )
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        medians, rate = take_turns_with_product(steps, repeats)
        for name, median in medians.items():
            reached = gflop[name] / median
            times = medians["usual"] / median
            table.row(num_threads, name, 1000 * median, times, gflop[name], reached, reached / rate)
        print(f"{num_threads:7}  product of {MATRIX}x{MATRIX}{rate:18.1f}   100%")
    print(
        f"\npeak memory of three steps in a process of its own, in one thread, beyond weights and "
        f"data:\nusual {peaks['usual']:.0f} MB, seqlab {peaks['seqlab']:.0f} MB"
    )
    print_profile(steps["seqlab"])


if __name__ == "__main__":
    main()
