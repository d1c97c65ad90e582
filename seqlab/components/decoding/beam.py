"""Beam search over all inputs and hypotheses at once."""

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.decoding import tree
from seqlab.components.decoding.backpointers import Finished, Growth, Progress, merge, trace
from seqlab.components.decoding.interface import Hypotheses, Memory, Search, State, Step
from seqlab.components.decoding.ranking import descending, largest


class Beam(Search):
    """Keeps the `beam_size` likeliest hypotheses of each length.

    Of the continuations of the open hypotheses, those that end and are among the `beam_size`
    likeliest are finished; the likeliest that do not end fill the beam again. Finished hypotheses
    are ranked by Wu et al. (2016), equation 14,

        score(Y, X) = log P(Y | X) / lp(Y) + cp(X; Y)
        lp(Y) = (5 + |Y|)^alpha / (5 + 1)^alpha
        cp(X; Y) = beta sum_i log(min(sum_j p_ij, 1))

    with p_ij the attention on location i at token j; a location whose attention was exactly 0 all
    along is padding and costs nothing. An input is done when no open hypothesis can come among
    its `num_best`, which the signs of the penalties bound exactly; when half of a batch is done it
    leaves, and the search stops with the last input. What is still open at `max_length` counts as
    finished. Of equals, the one that was found first, then the one with the likelier prefix, then
    the lower token id is preferred.

    Args:
        beam_size: open hypotheses per input, K. With 1 and no penalties this is greedy search.
        num_best: hypotheses to return per input, at most `beam_size`. Where there are fewer, the
            rest has length 0 and score minus infinity.
        length_penalty: alpha, 0 or more; 0 ranks by log-probability, larger prefers longer.
        coverage_penalty: beta, 0 or more; needs the field `weights` in the state.
        max_length: most tokens of a hypothesis, the end included.
    """

    def __init__(
        self,
        *,
        beam_size: int,
        num_best: int,
        length_penalty: float,
        coverage_penalty: float,
        max_length: int,
    ) -> None:
        if not 1 <= num_best <= beam_size:
            raise ValueError(
                f"num_best is from 1 to beam_size, not {num_best} with beam_size {beam_size}"
            )
        # The bound that stops a search holds for these signs only.
        if length_penalty < 0 or coverage_penalty < 0:
            raise ValueError(
                "length_penalty and coverage_penalty are 0 or more, "
                f"not {length_penalty} and {coverage_penalty}"
            )
        if max_length < 1:
            raise ValueError(f"max_length is at least 1, not {max_length}")
        self.beam_size = beam_size
        self.num_best = num_best
        self.length_penalty = length_penalty
        self.coverage_penalty = coverage_penalty
        self.needs_attention = coverage_penalty > 0
        self.max_length = max_length

    def search(
        self, step: Step, state: State, memory: Memory, start_id: int, end_id: int
    ) -> Hypotheses:
        """The `num_best` hypotheses of each input.

        Raises:
            ValueError: if there is a coverage penalty and the state has no attention weights.
        """
        first = tree.first_tensor(state, memory)
        inputs = torch.arange(len(first), device=first.device)  # [B], those still searched for
        slots = torch.arange(self.beam_size, device=first.device)  # [K]
        progress = self._start(first, start_id)
        parts: list[tuple[Tensor, Hypotheses]] = []

        for length in range(1, self.max_length + 1):
            width = progress.growth.tokens.shape[1]  # 1 before the first token, then K
            log_probabilities, state = step(progress.growth.tokens.flatten(), state, memory)
            progress = self._advance(
                progress,
                log_probabilities,  # [N, V], N = B * width
                self._weights(state, width),  # [B, width, L]
                length,
                end_id,
            )
            done = self._done(progress)  # [B]
            num_done = int(done.sum())
            if num_done == len(done) or length == self.max_length:
                break
            rows = torch.arange(len(done), device=done.device)  # [B]
            retires = 2 * num_done >= len(done)
            if retires:  # rarely, since it copies the memory
                retired, rows = done.nonzero().squeeze(1), (~done).nonzero().squeeze(1)
                parts.append((inputs[retired], trace(tree.select(progress, retired), end_id)))
                inputs, progress = inputs[rows], tree.select(progress, rows)
            first_rows = rows.unsqueeze(1) * width  # [B, 1], where an input's slots begin
            if retires or width < self.beam_size:
                memory = tree.select(memory, (first_rows + slots % width).flatten())
            state = tree.select(state, (first_rows + progress.growth.parents).flatten())

        parts.append((inputs, trace(progress, end_id)))
        return merge(parts, end_id)

    def _start(self, like: Tensor, start_id: int) -> Progress:
        """One empty hypothesis per input."""
        totals = torch.zeros(len(like), 1, device=like.device)
        tokens = torch.full((len(like), 1), start_id, device=like.device)
        nothing = totals.new_zeros(len(like), 0)
        finished = Finished(nothing, nothing, nothing.long(), nothing.long(), nothing.long())
        growth = Growth(tokens, torch.zeros_like(tokens), totals)
        return Progress(growth, finished, grown=(), attended=(), coverage=None)

    def _weights(self, state: State, width: int) -> Tensor | None:
        weights = getattr(state, "weights", None)  # [N, L]
        if weights is not None:
            return weights.unflatten(0, (-1, width))  # [B, width, L]
        if self.coverage_penalty > 0:
            raise ValueError(
                "coverage_penalty needs attention weights, and this model's state has none"
            )
        return None

    def _advance(
        self,
        progress: Progress,
        log_probabilities: Tensor,
        weights: Tensor | None,
        length: int,
        end_id: int,
    ) -> Progress:
        """All that is known after a step that gave log-probabilities [N, V] and weights."""
        candidates = self._expand(progress.growth, log_probabilities)
        growth = self._continue(candidates, end_id)
        coverage = None
        if weights is not None and self.coverage_penalty > 0:
            coverage = weights if progress.coverage is None else progress.coverage + weights
        finished = self._finish(progress.finished, candidates, coverage, length, end_id)
        if coverage is not None:
            index = growth.parents.unsqueeze(2).expand(-1, -1, coverage.shape[2])  # [B, K, L]
            coverage = coverage.gather(1, index)
        return Progress(
            growth,
            finished,
            (*progress.grown, growth),
            progress.attended if weights is None else (*progress.attended, weights),
            coverage,
        )

    def _expand(self, growth: Growth, log_probabilities: Tensor) -> Growth:
        """The 2K likeliest continuations: enough for K that do not end."""
        count, width = 2 * self.beam_size, growth.tokens.shape[1]
        gains, tokens = largest(log_probabilities, min(count, log_probabilities.shape[1]))  # [N, c]
        gains = gains.unflatten(0, (-1, width))  # [B, width, c]
        totals = (growth.log_probabilities.unsqueeze(2) + gains).flatten(1)  # [B, width * c]
        tokens = tokens.unflatten(0, (-1, width)).flatten(1)  # [B, width * c]
        missing = max(self.beam_size - totals.shape[1], 0)  # where there are fewer words than slots
        totals, order = descending(F.pad(totals, (0, missing), value=-torch.inf))
        totals, order = totals[:, :count], order[:, :count]  # [B, C], C at least K
        tokens = F.pad(tokens, (0, missing)).gather(1, order)  # [B, C]
        return Growth(tokens, (order // gains.shape[2]).clamp(max=width - 1), totals)

    def _continue(self, candidates: Growth, end_id: int) -> Growth:
        """The K likeliest candidates that do not end."""
        totals = candidates.log_probabilities.masked_fill(candidates.tokens == end_id, -torch.inf)
        totals, order = descending(totals)
        order = order[:, : self.beam_size]  # [B, K]
        return Growth(
            candidates.tokens.gather(1, order),
            candidates.parents.gather(1, order),
            totals[:, : self.beam_size],
        )

    def _finish(
        self,
        finished: Finished,
        candidates: Growth,
        coverage: Tensor | None,
        length: int,
        end_id: int,
    ) -> Finished:
        """Merge the candidates that end, of the K likeliest, into those finished before."""
        tokens, parents, totals = (part[:, : self.beam_size] for part in candidates)  # [B, K]
        if length < self.max_length:
            totals = totals.masked_fill(tokens != end_id, -torch.inf)
        scores = totals / self._length_factor(length)  # [B, K]
        if coverage is not None:
            penalty = torch.where(coverage > 0, coverage.clamp(max=1.0), 1.0).log().sum(dim=2)
            scores = scores + self.coverage_penalty * penalty.gather(1, parents)
        lengths = torch.full_like(tokens, length).masked_fill(totals.isneginf(), 0)  # [B, K]
        new = Finished(scores, totals, lengths, tokens, parents)
        both = Finished(*(torch.cat(pair, dim=1) for pair in zip(finished, new, strict=True)))
        order = descending(both.scores)[1][:, : self.num_best]  # [B, n]
        return Finished(*(part.gather(1, order) for part in both))

    def _done(self, progress: Progress) -> Tensor:
        """Inputs [B] of which no open hypothesis can still come among the best.

        A log-probability only falls, dividing by the largest length factor flatters it most, and a
        coverage penalty is at most 0.
        """
        likeliest = progress.growth.log_probabilities[:, 0]  # [B]
        bound = likeliest / self._length_factor(self.max_length)
        return progress.finished.scores[:, -1] >= bound

    def _length_factor(self, length: int) -> float:
        """lp(Y) of Wu et al. (2016)."""
        return ((5 + length) / (5 + 1)) ** self.length_penalty
