"""Beam search over all inputs and hypotheses at once."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seqlab.components.decoding import tree
from seqlab.components.decoding.interface import Hypotheses, Memory, Search, State, Step
from seqlab.components.decoding.ranking import allowed, descending, largest


class _Open(NamedTuple):
    """Hypotheses that may still grow, all of one length, likeliest first."""

    tokens: Tensor  # [B, K], their last tokens
    parents: Tensor  # [B, K], the slot each grew from
    log_probabilities: Tensor  # [B, K], minus infinity in an empty slot


class _Finished(NamedTuple):
    """The best finished hypotheses so far, best first; with where to trace them back from."""

    scores: Tensor  # [B, n], minus infinity in an empty slot
    log_probabilities: Tensor  # [B, n]
    lengths: Tensor  # [B, n]
    tokens: Tensor  # [B, n], their last tokens
    parents: Tensor  # [B, n], the slots they grew from


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
    its `num_best`, which the signs of the penalties bound exactly; the search stops when all
    inputs are. What is still open at `max_length` counts as finished. Of equals, the one that was
    found first, then the one with the likelier prefix, then the lower token id is preferred.

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
        self.max_length = max_length

    @torch.no_grad()
    def __call__(
        self,
        step: Step,
        state: State,
        memory: Memory,
        *,
        start_id: int,
        end_id: int,
        banned_ids: Sequence[int] = (),
    ) -> Hypotheses:
        """The `num_best` hypotheses of each input.

        Raises:
            ValueError: if there is a coverage penalty and the state has no attention weights.
        """
        first = tree.first_tensor(state, memory)
        state, memory = tree.repeat(state, self.beam_size), tree.repeat(memory, self.beam_size)
        banned = torch.tensor(list(banned_ids), dtype=torch.long, device=first.device)
        hypotheses = self._start(first, start_id)
        finished: _Finished | None = None
        coverage: Tensor | None = None  # [B, K, L], attention so far along each open hypothesis
        grown: list[_Open] = []
        attended: list[Tensor] = []  # T times [B, K, L], by the slot before it grew

        for length in range(1, self.max_length + 1):
            scores, state = step(hypotheses.tokens.flatten(), state, memory)  # [N, V], N = B * K
            weights = self._weights(state)  # [B, K, L]
            if weights is not None:
                attended.append(weights)
            if weights is not None and self.coverage_penalty > 0:
                coverage = weights if coverage is None else coverage + weights
            candidates = self._expand(hypotheses, allowed(scores, banned))
            finished = self._finish(finished, candidates, coverage, length, end_id)
            hypotheses = self._continue(candidates, end_id)
            grown.append(hypotheses)
            if self._is_done(finished, hypotheses):
                break
            rows = self._rows(hypotheses.parents)  # [N]
            state = tree.select(state, rows)
            if coverage is not None:
                coverage = coverage.flatten(0, 1)[rows].view_as(coverage)

        assert finished is not None  # max_length is at least 1
        return self._trace(finished, grown, attended, end_id)

    def _start(self, like: Tensor, start_id: int) -> _Open:
        """One hypothesis per input, and empty slots."""
        shape = (len(like), self.beam_size)
        log_probabilities = torch.full(shape, -torch.inf, device=like.device)
        log_probabilities[:, 0] = 0.0
        tokens = torch.full(shape, start_id, device=like.device)
        return _Open(tokens, torch.zeros_like(tokens), log_probabilities)

    def _weights(self, state: State) -> Tensor | None:
        weights = getattr(state, "weights", None)  # [N, L]
        if weights is not None:
            return weights.unflatten(0, (-1, self.beam_size))  # [B, K, L]
        if self.coverage_penalty > 0:
            raise ValueError(
                "coverage_penalty needs attention weights, and this model's state has none"
            )
        return None

    def _expand(self, hypotheses: _Open, log_probabilities: Tensor) -> _Open:
        """The 2K likeliest continuations: enough for K that do not end."""
        count = 2 * self.beam_size
        gains, tokens = largest(log_probabilities, min(count, log_probabilities.shape[1]))  # [N, c]
        gains = gains.unflatten(0, (-1, self.beam_size))  # [B, K, c]
        totals = (hypotheses.log_probabilities.unsqueeze(2) + gains).flatten(1)  # [B, K * c]
        totals, order = descending(totals)
        totals, order = totals[:, :count], order[:, :count]  # [B, C], C at least K
        tokens = tokens.unflatten(0, (-1, self.beam_size)).flatten(1).gather(1, order)  # [B, C]
        return _Open(tokens, order // gains.shape[2], totals)

    def _finish(
        self,
        finished: _Finished | None,
        candidates: _Open,
        coverage: Tensor | None,
        length: int,
        end_id: int,
    ) -> _Finished:
        """Merge the candidates that end, of the K likeliest, into those finished before."""
        tokens, parents, totals = (part[:, : self.beam_size] for part in candidates)  # [B, K]
        if length < self.max_length:
            totals = totals.masked_fill(tokens != end_id, -torch.inf)
        scores = totals / self._length_factor(length)  # [B, K]
        if coverage is not None:
            penalty = torch.where(coverage > 0, coverage.clamp(max=1.0), 1.0).log().sum(dim=2)
            scores = scores + self.coverage_penalty * penalty.gather(1, parents)
        lengths = torch.full_like(tokens, length).masked_fill(totals.isneginf(), 0)
        new = _Finished(scores, totals, lengths, tokens, parents)
        if finished is not None:
            new = _Finished(*(torch.cat(pair, dim=1) for pair in zip(finished, new, strict=True)))
        order = descending(new.scores)[1][:, : self.num_best]  # [B, n]
        return _Finished(*(part.gather(1, order) for part in new))

    def _continue(self, candidates: _Open, end_id: int) -> _Open:
        """The K likeliest candidates that do not end."""
        totals = candidates.log_probabilities.masked_fill(candidates.tokens == end_id, -torch.inf)
        totals, order = descending(totals)
        order = order[:, : self.beam_size]  # [B, K]
        return _Open(
            candidates.tokens.gather(1, order),
            candidates.parents.gather(1, order),
            totals[:, : self.beam_size],
        )

    def _is_done(self, finished: _Finished, hypotheses: _Open) -> bool:
        """Whether no open hypothesis can still come among the best of its input.

        A log-probability only falls, dividing by the largest length factor flatters it most, and a
        coverage penalty is at most 0.
        """
        bound = hypotheses.log_probabilities[:, 0] / self._length_factor(self.max_length)  # [B]
        return bool((finished.scores[:, -1] >= bound).all())

    def _length_factor(self, length: int) -> float:
        """lp(Y) of Wu et al. (2016)."""
        return ((5 + length) / (5 + 1)) ** self.length_penalty

    def _rows(self, parents: Tensor) -> Tensor:
        """Rows [N] of the state in which parents [B, K] stand."""
        inputs = torch.arange(len(parents), device=parents.device).unsqueeze(1)  # [B, 1]
        return (inputs * self.beam_size + parents).flatten()

    def _trace(
        self, finished: _Finished, grown: list[_Open], attended: list[Tensor], end_id: int
    ) -> Hypotheses:
        """Follow the parents back from the last tokens to the first."""
        num_steps = max(int(finished.lengths.max()), 1)
        tokens: list[Tensor] = []
        weights: list[Tensor] = []
        slots = torch.zeros_like(finished.parents)  # [B, n]
        for length in range(num_steps, 0, -1):
            before, last = finished.lengths > length, finished.lengths == length  # [B, n]
            open_ = grown[length - 1]
            token = torch.where(before, open_.tokens.gather(1, slots), end_id)  # [B, n]
            tokens.append(torch.where(last, finished.tokens, token))
            slots = torch.where(before, open_.parents.gather(1, slots), slots)
            slots = torch.where(last, finished.parents, slots)
            if attended:
                step_weights = attended[length - 1]  # [B, K, L]
                index = slots.unsqueeze(2).expand(-1, -1, step_weights.shape[2])
                step_weights = step_weights.gather(1, index)  # [B, n, L]
                reached = (before | last).unsqueeze(2)
                weights.append(step_weights.masked_fill(~reached, 0.0))
        return Hypotheses(
            tokens=torch.stack(tokens[::-1], dim=2),
            lengths=finished.lengths,
            log_probabilities=finished.log_probabilities,
            scores=finished.scores,
            weights=torch.stack(weights[::-1], dim=2) if attended else None,
        )
