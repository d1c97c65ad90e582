"""MemNN: picks one fact after the other, taught which ones an answer needs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqlab.components.masking import length_mask
from seqlab.components.memory.preference import Preference
from seqlab.components.memory.sentences import INITIAL_DEVIATION, SentenceEncoding
from seqlab.models.interfaces import Answered, AuxiliaryTerm, QuestionAnswerer, Questions

NOTHING = -1  # instead of the number of a fact


class MemNN(QuestionAnswerer):
    """Memory network with supervised facts; Weston et al. (2015), sections 3.1 and 3.4.

    The k-th fact is o_k = argmax_i s_O([x, m_o1, ..., m_o(k-1)], m_i), compared in the order of
    telling (`Preference`), and the answer the word w with the largest s_R([x, m_o1, ..., m_oK], w).
    Both are s(x, y) = Phi_x(x)^T U^T U Phi_y(y), in which a word has different vectors as a part of
    the question, of a fact that was picked and of a candidate. Training picks the facts that are
    known to be needed; where those are fewer than the hops, the last of them again.

    The answer is looked for with a list, which is not the same in another order: of "John went to
    the hall. Then he went to the garden." the second fact says where John is. One bag of the words
    of both could not tell; here a fact that was picked k-th counts p_k * U Phi_x(m_ok), with a
    vector p_k that is learned.

    What Weston et al. (2015, bAbI), section 5, add: `adaptive` lets the model stop picking, by a
    candidate of its own that means "no more"; `nonlinear` puts tanh(W tanh(U Phi(.))) in the place
    of U Phi(.), but for words as answers; n-grams are a sentence encoding.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        sentence_encoding: how a sentence becomes a vector, Phi and U together.
        embedding_dim: size D of every vector.
        num_hops: number K of facts that are picked, at most that many if adaptive.
        adaptive: whether the model learns when to stop.
        nonlinear: whether there are layers before vectors are compared.
        margin: by how much the right fact is to be preferred.

    Raises:
        ValueError: there is no hop, or the margin is not above 0.
    """

    auxiliary_names = ("supporting_facts",)

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        sentence_encoding: Callable[..., SentenceEncoding],
        embedding_dim: int,
        num_hops: int,
        adaptive: bool,
        nonlinear: bool,
        margin: float,
    ) -> None:
        super().__init__()
        if num_hops < 1 or margin <= 0:
            raise ValueError(f"num_hops={num_hops} is at least 1, margin={margin} above 0")
        sizes = {"vocab_size": vocab_size, "pad_id": pad_id, "embedding_dim": embedding_dim}
        self.question_encoding = sentence_encoding(num_tables=2, **sizes)  # to pick, to answer
        self.fact_encoding = sentence_encoding(num_tables=3, **sizes)  # and as a candidate

        def layer() -> nn.Module:
            if not nonlinear:
                return nn.Identity()
            linear = nn.Linear(embedding_dim, embedding_dim)
            return nn.Sequential(nn.Tanh(), linear, nn.Tanh())

        self.known_layer, self.candidate_layer, self.answer_layer = layer(), layer(), layer()
        self.order = nn.Linear(embedding_dim, 3, bias=False)  # U of the features of time
        self.turns = nn.Parameter(torch.empty(num_hops, embedding_dim))  # p of each hop
        nn.init.normal_(self.turns, mean=1.0, std=INITIAL_DEVIATION)
        self.no_more = nn.Parameter(torch.empty(embedding_dim)) if adaptive else None
        self.to_words = nn.Linear(embedding_dim, vocab_size, bias=False)
        for weight in (self.order.weight, self.to_words.weight, self.no_more):
            if weight is not None:
                nn.init.normal_(weight, std=INITIAL_DEVIATION)
        self.num_hops, self.margin = num_hops, margin

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answer questions, in training with the facts [B, F] that support the answers.

        Raises:
            ValueError: it is to be trained and nobody says which facts are needed.
        """
        num_slots = questions.facts.shape[1]
        if self.training and supporting is None:
            raise ValueError(
                "memnn learns which facts an answer needs, and this data does not say: "
                "use data with supporting facts, or a model that learns from answers alone (memn2n)"
            )
        targets = self._targets(supporting, num_slots) if self.training else None  # [B, K]
        to_pick, to_answer = self.question_encoding(questions.question).unbind(dim=1)  # [B, D]
        picked, candidates, answering = self.fact_encoding(questions.facts).unbind(dim=2)
        candidates, mask = self._candidates(candidates, questions.num_facts)  # [B, N, D], [B, N]

        # The question is newer than all facts; then what was picked last is what others are
        # compared with. After "no more" nothing changes, so that it is chosen again.
        time = torch.full_like(questions.num_facts, num_slots)  # [B]
        attention, losses = [], []
        for hop in range(self.num_hops if targets is None else targets.shape[1]):
            preference = self._compare(to_pick, candidates, mask, time, num_slots)
            if targets is None:
                chosen = preference.best()  # [B]
            else:
                chosen = targets[:, hop]  # [B]
                loss = preference.ranking_loss(chosen.clamp_min(0), self.margin)  # [B]
                losses.append(torch.where(chosen == NOTHING, 0, loss))
            places = torch.arange(num_slots, device=chosen.device)  # [M]
            is_read = (chosen.unsqueeze(1) == places) & mask[:, :num_slots]  # [B, M]
            weights = is_read.to(picked.dtype)  # [B, M]
            to_pick = to_pick + torch.einsum("bm,bmd->bd", weights, picked)  # [B, D]
            fact = torch.einsum("bm,bmd->bd", weights, answering)  # [B, D]
            to_answer = to_answer + self.turns[hop] * fact  # [B, D]
            time = torch.where(is_read.any(dim=1), chosen, time)  # [B]
            attention.append(weights)
        logits = self.to_words(self.answer_layer(to_answer))  # [B, V]
        auxiliary = {}
        if targets is not None:
            loss = torch.stack(losses, dim=1).sum(dim=1)  # [B]
            auxiliary["supporting_facts"] = AuxiliaryTerm(loss, 1.0)
        return Answered(logits, torch.stack(attention, dim=1), auxiliary)

    def _compare(
        self, known: Tensor, candidates: Tensor, mask: Tensor, time: Tensor, num_facts: int
    ) -> Preference:
        """Candidates [B, N, D] as answers to what is known [B, D], the last of it told at [B]."""
        known = self.known_layer(known)  # [B, D]
        scores = torch.einsum("bd,bnd->bn", known, candidates)  # [B, N]
        places = torch.arange(candidates.shape[1], device=time.device)  # [N]
        after = torch.where(time.unsqueeze(1) < places, 1.0, -1.0)  # [B, N]
        after = after.masked_fill(places >= num_facts, 0.0)  # "no more" has no time
        return Preference(scores, self.order(known), after, mask)

    def _candidates(self, facts: Tensor, num_facts: Tensor) -> tuple[Tensor, Tensor]:
        """Facts [B, M, D], and behind them "no more" if adaptive; which are real [B, N]."""
        mask = length_mask(num_facts, facts.shape[1])  # [B, M]
        if self.no_more is not None:
            no_more = self.no_more.expand(len(facts), 1, -1)  # [B, 1, D]
            facts = torch.cat([facts, no_more], dim=1)  # [B, M + 1, D]
            mask = nn.functional.pad(mask, (0, 1), value=True)  # [B, M + 1]
        return self.candidate_layer(facts), mask

    def _targets(self, supporting: Tensor, num_facts: int) -> Tensor:
        """Which candidate each hop is to pick, [B, K], of the facts [B, F] that are needed.

        Where those are fewer than the hops: "no more", then nothing, if adaptive; else the last of
        them again. Nothing where nobody says. K is less than `num_hops` where no question of the
        batch has anything to pick after that.
        """
        num_hops = self.num_hops
        if self.no_more is not None:
            num_hops = min(num_hops, supporting.shape[1] + 1)
        hops = torch.arange(num_hops, device=supporting.device)  # [K]
        count = (supporting >= 0).sum(dim=1, keepdim=True)  # [B, 1]
        last = (count - 1).clamp_min(0)  # [B, 1]
        targets = supporting.gather(1, torch.minimum(hops, last))  # [B, K]
        if self.no_more is not None:
            targets = torch.where(hops == count, num_facts, targets)  # [B, K]
            targets = torch.where(hops > count, NOTHING, targets)  # [B, K]
        return targets
