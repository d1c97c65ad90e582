"""Beam search one input after the other, as it is usually written, beside seqlab's."""

import statistics
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from seqlab.components.decoding.beam import Beam
from seqlab.models.interfaces import SequenceGenerator

BEAM = 5
START, END = 1, 2

Sequences = list[tuple[list[int], float]]  # tokens and log-probability of each input
State = tuple[Tensor, ...]  # what one step hands to the next, [K, ...] each
Step = Callable[[Tensor, State], tuple[Tensor, State]]
"""step(words [K], state) gives log-probabilities [K, V] and the next state."""


@torch.no_grad()
def usual_beam(step: Step, state: State, max_length: int) -> tuple[list[int], float]:
    """The best sequence of one input, with the hypotheses in lists.

    Args:
        step: what scores the next words of one input.
        state: where it starts, [1, ...] each.
        max_length: most tokens of a sequence, the end included.
    """
    live: Sequences = [([START], 0.0)]
    best: tuple[list[int], float] = ([], float("-inf"))
    for length in range(1, max_length + 1):
        words = torch.tensor([tokens[-1] for tokens, _ in live])
        totals = torch.tensor([total for _, total in live])
        scores, state = step(words, state)  # [K, V]
        top = (totals.unsqueeze(1) + scores).flatten().topk(2 * BEAM)
        grown: Sequences = []
        parents = []
        for rank, (total, index) in enumerate(
            zip(top.values.tolist(), top.indices.tolist(), strict=True)
        ):
            parent, word = divmod(index, scores.shape[1])
            hypothesis = ([*live[parent][0], word], total)
            ends = word == END or length == max_length
            if ends and rank < BEAM and total > best[1]:
                best = hypothesis
            if word != END and len(grown) < BEAM:
                grown.append(hypothesis)
                parents.append(parent)
        if best[1] >= grown[0][1]:
            break
        live, chosen = grown, torch.tensor(parents)
        state = tuple(part[chosen] for part in state)
    return best[0][1:], best[1]


class OurSearch:
    """seqlab's beam search over some inputs at once.

    Args:
        model: what is searched.
        max_length: most tokens of a sequence, the end included.
    """

    def __init__(self, model: SequenceGenerator, *, max_length: int) -> None:
        self.model = model
        self.search = Beam(
            beam_size=BEAM,
            num_best=1,
            length_penalty=0.0,
            coverage_penalty=0.0,
            max_length=max_length,
        )

    @torch.no_grad()
    def __call__(self, sources: Sequence[object]) -> Sequences:
        """The best sequence of each input of all the sources, one search for each source."""
        sequences: Sequences = []
        for source in sources:
            state, memory = self.model.encode(source)
            found = self.search(self.model.step, state, memory, start_id=START, end_id=END)
            for tokens, length, total in zip(
                found.tokens[:, 0].tolist(),
                found.lengths[:, 0].tolist(),
                found.log_probabilities[:, 0].tolist(),
                strict=True,
            ):
                sequences.append((tokens[:length], total))
        return sequences


def check_equal(found: dict[str, Sequences]) -> None:
    """Raises AssertionError where the searches do not find the same sequences."""
    expected, *others = found.values()
    for sequences in others:
        assert [tokens for tokens, _ in sequences] == [tokens for tokens, _ in expected]
        for (_, total), (_, own) in zip(expected, sequences, strict=True):
            assert abs(total - own) < 1e-3, f"log-probabilities {total} and {own}"
    lengths = [len(tokens) for tokens, _ in expected]
    print(
        f"equal: {len({tuple(tokens) for tokens, _ in expected})} different sequences of "
        f"{min(lengths)} to {max(lengths)} tokens, {statistics.mean(lengths):.1f} on average"
    )
