"""A training step of MemN2N beside the usual way to write it, at the sizes of joint bAbI.

Both compute the same equations with the same weights on the same batch; losses and gradients are
checked to be equal. The usual way looks up the words of the facts twice for each hop, in tables of
its own, multiplies each by its position encoding and adds them up. Both leave out random noise in
time. Steps of both alternate in one process, so that what else the machine does falls on both;
medians are printed.

    python -m benchmarks.memn2n
"""

import argparse
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring import Table, Work, peak_memory, print_profile, take_turns
from seqlab.components.memory.position_encoding import PositionEncoding
from seqlab.models.interfaces import Questions
from seqlab.models.memory_qa.memn2n import MemN2N

BATCH, FACTS, SHORTEST, LONGEST, QUESTION = 32, 50, 4, 8, 5
HOPS, EMBEDDING, VOCABULARY = 3, 50, 180
STEPS = 10  # of a turn

Batch = tuple[Questions, Tensor]


class UsualMemN2N(nn.Module):
    """The same equations, a hop at a time; takes the weights of ours."""

    def __init__(self, ours: MemN2N) -> None:
        super().__init__()
        tables, times = ours.fact_encoding.tables.weight, ours.temporal_encoding.weight
        self.tables = nn.ModuleList(
            nn.Embedding(VOCABULARY, EMBEDDING, padding_idx=0) for _ in range(HOPS + 1)
        )
        self.times = nn.ParameterList(torch.empty(FACTS, EMBEDDING) for _ in range(HOPS + 1))
        with torch.no_grad():
            for number, (table, time) in enumerate(zip(self.tables, self.times, strict=True)):
                table.weight.copy_(tables[:, number])
                time.copy_(times[:, number])
        self.register_buffer("positions", positions())  # [W + 1, W, D]

    def encode(self, sentences: Tensor, table: nn.Module) -> Tensor:
        """Vectors [..., D] of sentences [..., W]."""
        lengths = (sentences != 0).sum(dim=-1)  # [...]
        encoding = self.positions[lengths, : sentences.shape[-1]]  # [..., W, D]
        return (table(sentences) * encoding).sum(dim=-2)

    def forward(self, questions: Questions) -> Tensor:
        """Scores [B, V] of the words."""
        ages = torch.arange(FACTS - 1, -1, -1)  # [M], the last fact is 0 memories back
        query = self.encode(questions.question, self.tables[0])  # [B, D]
        for hop in range(HOPS):
            keys, values = (
                self.encode(questions.facts, self.tables[number]) + self.times[number][ages]
                for number in (hop, hop + 1)
            )  # [B, M, D]
            weights = torch.einsum("bd,bmd->bm", query, keys).softmax(dim=1)  # [B, M]
            query = query + torch.einsum("bm,bmd->bd", weights, values)  # [B, D]
        scores = query @ self.tables[HOPS].weight.t()  # [B, V]
        return scores.masked_fill(torch.arange(VOCABULARY) == 0, -torch.inf)


def positions() -> Tensor:
    """The position encoding of each word of sentences of each length, [W + 1, W, D]."""
    encoding = torch.zeros(LONGEST + 1, LONGEST, EMBEDDING)
    k = torch.arange(1, EMBEDDING + 1)
    for J in range(1, LONGEST + 1):
        for j in range(1, J + 1):
            middle = (k - (EMBEDDING + 1) / 2) * (j - (J + 1) / 2)
            encoding[J, j - 1] = 1 + 4 * middle / (EMBEDDING * J)
    return encoding


class OurMemN2N(nn.Module):
    """MemN2N as it is trained."""

    def __init__(self, model: MemN2N) -> None:
        super().__init__()
        self.model = model

    def forward(self, questions: Questions) -> Tensor:
        """Scores [B, V] of the words."""
        return self.model(questions).logits


def build() -> dict[str, nn.Module]:
    """Both, with equal weights."""
    torch.manual_seed(0)
    model = MemN2N(
        vocab_size=VOCABULARY,
        pad_id=0,
        sentence_encoding=PositionEncoding,
        embedding_dim=EMBEDDING,
        num_hops=HOPS,
        tying="adjacent",
        memory_size=FACTS,
        time_noise=0.0,
        linear_start_epochs=0,
    )
    return {"usual": UsualMemN2N(model), "seqlab": OurMemN2N(model)}


def batch() -> Batch:
    """Questions about stories of as many facts as a memory holds, and the answers [B]."""
    generator = torch.Generator().manual_seed(1)
    shape = (BATCH, FACTS, LONGEST)
    facts = torch.randint(1, VOCABULARY, shape, generator=generator)  # [B, M, W]
    lengths = torch.randint(SHORTEST, LONGEST + 1, shape[:2], generator=generator)  # [B, M]
    facts = facts.masked_fill(torch.arange(LONGEST) >= lengths.unsqueeze(2), 0)  # [B, M, W]
    question = torch.randint(1, VOCABULARY, (BATCH, QUESTION), generator=generator)  # [B, Q]
    answers = torch.randint(1, VOCABULARY, (BATCH,), generator=generator)  # [B]
    return Questions(facts, torch.full((BATCH,), FACTS), question), answers


def train_step(model: nn.Module, questions: Questions, answers: Tensor) -> Tensor:
    """The loss of a batch, and its gradients; no optimizer, which is the same for both."""
    model.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(questions), answers)
    loss.backward()
    return loss.detach()


def turn(model: nn.Module, questions: Questions, answers: Tensor) -> None:
    """Some steps, since one is too short to be measured well."""
    for _ in range(STEPS):
        train_step(model, questions, answers)


def check_equal(models: dict[str, nn.Module], given: Batch) -> None:
    """Raises AssertionError where the two do not compute the same loss and gradients."""
    usual, ours = models["usual"], models["seqlab"].model
    loss = train_step(usual, *given)
    torch.testing.assert_close(train_step(models["seqlab"], *given), loss)
    for number in range(HOPS + 1):
        pairs = {
            "words": (usual.tables[number].weight, ours.fact_encoding.tables.weight),
            "times": (usual.times[number], ours.temporal_encoding.weight),
        }
        for name, (theirs, mine) in pairs.items():
            error = (mine.grad[:, number] - theirs.grad).norm() / theirs.grad.norm()
            assert error < 1e-4, f"gradients of {name} {number} differ by {error:.1e} of their norm"
    print(f"equal: loss {loss:.6f}, gradients of all tables")


def make_steps(name: str) -> Work:
    """A turn of one of them, with weights and data of its own."""
    return partial(turn, build()[name], *batch())


def main() -> None:
    """Check that both compute the same, measure both, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15, help="timed turns of each")
    repeats = parser.parse_args().repeats

    print(
        f"training step of MemN2N: batch {BATCH}, {FACTS} facts of {SHORTEST} to {LONGEST} words, "
        f"{HOPS} hops, {EMBEDDING} dimensions, vocabulary {VOCABULARY}; torch {torch.__version__}"
    )
    peaks = {name: peak_memory(partial(make_steps, name)) for name in ("usual", "seqlab")}
    models, given = build(), batch()
    check_equal(models, given)
    turns = {name: partial(turn, model, *given) for name, model in models.items()}

    print()
    columns = {"model": (-9, ""), "ms": (8, ".2f"), "steps/s": (10, ".0f"), "times": (8, ".2f")}
    table = Table({"threads": (7, ""), "": (2, ""), **columns})
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        medians = take_turns(turns, repeats)
        for name, median in medians.items():
            rate, times = STEPS / median, medians["usual"] / median
            table.row(num_threads, "", name, 1000 / rate, rate, times)
    print(
        f"\npeak memory of {STEPS} steps in a process of its own, in one thread, beyond weights "
        f"and data:\nusual {peaks['usual']:.0f} MB, seqlab {peaks['seqlab']:.0f} MB"
    )
    print_profile(turns["seqlab"])


if __name__ == "__main__":
    main()
