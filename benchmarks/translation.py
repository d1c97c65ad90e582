"""Training and searching with RNNsearch beside the usual way to write both.

All compute the same equations with the same weights on the same sentence pairs, made up in the
sizes of Multi30k; the losses, gradients and translations are checked to be equal. The usual way
reads the source in an nn.GRU over packed sentences and has everything else in the time loop:
embedding, attention with its key projection, GRUCell, maxout and output layer; it searches
sentence by sentence with hypotheses in lists. Runs of all alternate in one process, so that what
else the machine does falls on all; medians are printed.

    python -m benchmarks.translation
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam

from benchmarks.decoder_step import additive
from benchmarks.measuring import (
    MATRIX,
    Table,
    Work,
    count_gflop,
    peak_memory,
    print_profile,
    take_turns_with_product,
)
from benchmarks.searching import (
    BEAM,
    END,
    START,
    OurSearch,
    Sequences,
    check_equal,
)
from benchmarks.usual_rnn_search import PAD, Pairs, UsualTranslator, shared_layers
from seqlab.components.losses import sequence_nll
from seqlab.components.recurrent.gru import GRUCell
from seqlab.models.interfaces import Sentences
from seqlab.models.translation.rnn_search import RNNSearch

NUM_PAIRS, SHORTEST, LONGEST = 80, 9, 19  # words of a sentence, 14 on average
EMBEDDING, ENCODER, VOCABULARY, MAX_LENGTH = 256, 256, 8000, 40
FIRST_WORD = 4
SHARPNESS = 4.0  # random weights hardly prefer a word
END_BIAS = {256: 4.2, 512: 4.8}  # by hidden size; they never end, and so do after about 14 tokens
COLUMNS = {
    "times": (7, ".1f"),
    "GFLOP": (8, ".1f"),
    "GFLOP/s": (9, ".1f"),
    "share": (7, ".0%"),
    "peak MB": (9, ".0f"),
}


def make_pairs() -> Pairs:
    """Random words, with the lengths of a translation near those of its source."""
    generator = torch.Generator().manual_seed(1)
    source_words = torch.randint(SHORTEST, LONGEST + 1, (NUM_PAIRS,), generator=generator)
    change = torch.randint(-2, 3, (NUM_PAIRS,), generator=generator)

    def rows(num_words: Tensor) -> Tensor:  # [B, longest + 1], words, end, padding
        shape = (NUM_PAIRS, int(num_words.max()) + 1)
        tokens = torch.randint(FIRST_WORD, VOCABULARY, shape, generator=generator)
        place = torch.arange(shape[1]) - num_words.unsqueeze(1)  # 0 at the end
        return tokens.masked_fill(place == 0, END).masked_fill(place > 0, PAD)

    target_words = source_words + change
    targets = rows(target_words)  # [B, T]
    starts = targets.new_full((NUM_PAIRS, 1), START)
    return Pairs(
        Sentences(rows(source_words), source_words + 1),
        torch.cat([starts, targets], dim=1),
        target_words + 1,
    )


def build(hidden_dim: int) -> RNNSearch:
    """RNNsearch with as many maxout units as hidden units, and with torch's GRU."""
    torch.manual_seed(0)
    return RNNSearch(
        source_vocab_size=VOCABULARY,
        target_vocab_size=VOCABULARY,
        pad_id=PAD,
        attention=partial(additive, hidden_dim=hidden_dim),
        recurrent=partial(GRUCell, reset="after"),
        embedding_dim=EMBEDDING,
        encoder_dim=ENCODER,
        hidden_dim=hidden_dim,
        maxout_dim=hidden_dim,
        conditional=False,
        dropout=0.0,
    )


def build_trained(hidden_dim: int) -> RNNSearch:
    """A model whose words are as uneven as a trained one's and whose translations end."""
    model = build(hidden_dim).eval()
    with torch.no_grad():
        for embedding in (model.embedding, model.source_embedding):
            embedding.weight.normal_()
        model.output.from_context.weight.mul_(SHARPNESS)
        model.output.to_vocabulary.weight.mul_(SHARPNESS)
        model.output.to_vocabulary.bias[END] += END_BIAS[hidden_dim]
    return model.requires_grad_(False)


def one_by_one(source: Sentences) -> list[Sentences]:
    """The sentences of a batch, without padding."""
    rows = zip(source.tokens.split(1), source.lengths.split(1), strict=True)
    return [Sentences(tokens[:, : int(lengths)], lengths) for tokens, lengths in rows]


def our_loss(model: RNNSearch, pairs: Pairs) -> Tensor:
    """Nats per word, []."""
    forced = model(pairs.source, pairs.tokens, pairs.lengths)
    nll = sequence_nll(forced.logits, pairs.tokens[:, 1:], pairs.lengths)  # [B]
    return nll.sum() / pairs.lengths.sum()


class Trainer:
    """Takes training steps on one batch.

    Args:
        model: what is trained.
        loss: of the model and the batch.
        pairs: the batch.
    """

    def __init__(
        self, model: nn.Module, loss: Callable[[nn.Module, Pairs], Tensor], pairs: Pairs
    ) -> None:
        self.model, self.loss, self.pairs = model, loss, pairs
        self.optimizer = Adam(model.parameters(), lr=1e-3)

    def backward(self) -> Tensor:
        """The loss and its gradients."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model, self.pairs)
        loss.backward()
        return loss.detach()

    def __call__(self) -> None:
        self.backward()
        self.optimizer.step()


def make_trainers(hidden_dim: int) -> dict[str, Trainer]:
    """Both trainers, with equal weights."""
    model, pairs = build(hidden_dim), make_pairs()
    usual = UsualTranslator(model)
    return {
        "usual": Trainer(usual, UsualTranslator.loss, pairs),
        "seqlab": Trainer(model, our_loss, pairs),
    }


def make_searches(hidden_dim: int) -> dict[str, Callable[[], Sequences]]:
    """All searches, with equal weights."""
    model, source = build_trained(hidden_dim), make_pairs().source
    usual, ours = UsualTranslator(model).eval(), OurSearch(model, max_length=MAX_LENGTH)
    single = one_by_one(source)
    return {
        "usual, one by one": lambda: [usual.translate(each, MAX_LENGTH) for each in single],
        f"seqlab, {NUM_PAIRS} at once": partial(ours, [source]),
    }


def make_training(hidden_dim: int, name: str) -> Work:
    """Three steps of one of the trainers."""
    trainer = make_trainers(hidden_dim)[name]
    return lambda: [trainer() for _ in range(3)]


def make_search(hidden_dim: int, name: str) -> Work:
    """One of the searches."""
    return make_searches(hidden_dim)[name]


def check_trainers(trainers: dict[str, Trainer]) -> None:
    """Raises AssertionError where the two do not compute the same loss and gradients."""
    usual, ours = trainers["usual"], trainers["seqlab"]
    expected, loss = usual.backward(), ours.backward()
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
    layers = shared_layers(usual.model, ours.model)
    for name, (mine, theirs) in layers.items():
        error = (theirs.weight.grad - mine.weight.grad).norm() / mine.weight.grad.norm()
        # That of the query nearly cancels, which leaves it 3e-4 in single precision.
        assert error < 1e-3, f"gradients of {name} differ by {error:.1e} of their norm"
    print(f"equal: loss {loss:.6f}, gradients of {', '.join(layers)}")


def count_arithmetic(
    trainers: dict[str, Trainer], searches: dict[str, Callable[[], Sequences]]
) -> dict[str, float]:
    """GFLOP of each, by name; the searches are checked to find the same."""
    found: dict[str, Sequences] = {}

    def search(name: str) -> None:
        found[name] = searches[name]()

    gflop = {name: count_gflop(trainer) for name, trainer in trainers.items()}
    gflop |= {name: count_gflop(partial(search, name)) for name in searches}
    check_equal(found)
    return gflop


def measure(hidden_dim: int, repeats: int) -> None:
    """Check and measure training and search of one size, and print a table of each."""
    print(f"\nhidden {hidden_dim}")
    torch.set_num_threads(1)
    trainers, searches = make_trainers(hidden_dim), make_searches(hidden_dim)
    check_trainers(trainers)
    gflop = count_arithmetic(trainers, searches)
    peaks = {name: peak_memory(partial(make_training, hidden_dim, name)) for name in trainers}
    peaks |= {name: peak_memory(partial(make_search, hidden_dim, name)) for name in searches}
    num_tokens = int(make_pairs().lengths.sum())
    kinds: tuple[tuple[str, str, dict[str, Work], int], ...] = (
        ("training", "tokens/s", trainers, num_tokens),
        ("search", "sentences/s", searches, NUM_PAIRS),
    )
    for kind, unit, work, count in kinds:
        print()
        table = Table({"threads": (7, ""), f"  {kind}": (-24, ""), unit: (12, ".1f"), **COLUMNS})
        for num_threads in (1, 2):
            torch.set_num_threads(num_threads)
            medians, rate = take_turns_with_product(work, repeats)
            usual = next(iter(medians.values()))
            for name, median in medians.items():
                reached = gflop[name] / median
                table.row(
                    num_threads,
                    f"  {name}",
                    count / median,
                    usual / median,
                    gflop[name],
                    reached,
                    reached / rate,
                    peaks[name],
                )
            print(f"{num_threads:7}  product of {MATRIX}x{MATRIX}{rate:43.1f}   100%")


def main() -> None:
    """Check that all compute the same, measure them, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hidden", type=int, nargs="+", choices=END_BIAS, default=[*END_BIAS])
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each")
    parser.add_argument("--profile", action="store_true", help="operators of a training step")
    args = parser.parse_args()

    pairs = make_pairs()
    print(
        f"RNNsearch: {NUM_PAIRS} pairs, {int(pairs.source.lengths.sum())} source and "
        f"{int(pairs.lengths.sum())} target tokens, embedding {EMBEDDING}, encoder 2 x {ENCODER}, "
        f"vocabularies {VOCABULARY}, beam {BEAM}; torch {torch.__version__}"
    )
    for hidden_dim in args.hidden:
        measure(hidden_dim, args.repeats)
    print(
        "\npeak: what three training steps with Adam, or a search, add to weights and data, in a "
        "process and\none thread of its own"
    )
    if args.profile:
        print_profile(make_trainers(args.hidden[-1])["seqlab"])


if __name__ == "__main__":
    main()
