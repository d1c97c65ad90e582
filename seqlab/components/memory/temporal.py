"""The order in which facts were told: which are recent, and how a memory knows it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.masking import length_mask
from seqlab.components.memory.sentences import INITIAL_DEVIATION


class Recent(NamedTuple):
    """The last facts of each story, in the order of telling."""

    facts: Tensor  # [B, N, W]
    num_facts: Tensor  # [B], how many of the N are real
    index: Tensor  # [B, N], where each stood among all

    def spread(self, weights: Tensor, num_slots: int) -> Tensor:
        """Weights [B, K, N] of the recent facts as weights of all: [B, K, num_slots]."""
        index = self.index.unsqueeze(1).expand_as(weights)  # [B, K, N]
        everywhere = weights.new_zeros(*weights.shape[:2], num_slots)  # [B, K, num_slots]
        return everywhere.scatter(2, index, weights)


def most_recent(facts: Tensor, num_facts: Tensor, size: int) -> Recent:
    """The last `size` facts of facts [B, M, W], of which `num_facts` [B] are real."""
    num_slots = min(size, facts.shape[1])
    first = (num_facts - num_slots).clamp_min(0).unsqueeze(1)  # [B, 1]
    index = first + torch.arange(num_slots, device=facts.device)  # [B, N]
    kept = facts.gather(1, index.unsqueeze(2).expand(-1, -1, facts.shape[2]))  # [B, N, W]
    return Recent(kept, num_facts.clamp_max(num_slots), index)


class TemporalEncoding(nn.Module):
    """A vector for how long ago a fact was told; Sukhbaatar et al. (2015), section 4.1.

    m_i = sum_j A x_ij + T_A(i), where i counts back from the last fact. In training some memories
    are left empty at random, which is only seen in the numbers of those before them ("random
    noise"): a story of n facts is spread over n + e places, e between 0 and `noise` n. A fact
    further back than the last vector has that one.

    Args:
        memory_size: number of vectors in a table.
        embedding_dim: size D of a vector.
        num_tables: number T of tables.
        noise: most empty memories, as a share of the facts; 0.1 in the paper.

    Raises:
        ValueError: there is no memory, or a negative share of it is empty.
    """

    def __init__(
        self, *, memory_size: int, embedding_dim: int, num_tables: int, noise: float
    ) -> None:
        super().__init__()
        if memory_size < 1 or noise < 0:
            raise ValueError(
                f"memory_size={memory_size} is at least 1 and time_noise={noise} at least 0"
            )
        self.weight = nn.Parameter(torch.empty(memory_size, num_tables, embedding_dim))
        nn.init.normal_(self.weight, std=INITIAL_DEVIATION)
        self.noise = noise

    def forward(self, num_facts: Tensor, num_slots: int) -> Tensor:
        """Vectors [B, N, T, D] of N slots, of which `num_facts` [B] are real."""
        ages = self.ages(num_facts, num_slots).clamp(0, len(self.weight) - 1)  # [B, N]
        vectors = F.embedding(ages, self.weight.flatten(1))  # [B, N, T D]
        return vectors.view(*ages.shape, *self.weight.shape[1:])  # [B, N, T, D]

    def ages(self, num_facts: Tensor, num_slots: int) -> Tensor:
        """How many memories came after each slot, [B, N]; below 0 beyond the facts."""
        slots = torch.arange(num_slots, device=num_facts.device)  # [N]
        ages = num_facts.unsqueeze(1) - 1 - slots  # [B, N]
        if not self.training or self.noise == 0:
            return ages
        return ages + self._empty_after(num_facts, num_slots)

    def _empty_after(self, num_facts: Tensor, num_slots: int) -> Tensor:
        """How many empty memories come after each slot, [B, N].

        Of n + e places e are drawn to be empty. A fact has as many of them after it as lie before
        the place of the fact, counted from the end.
        """
        most = (num_facts * self.noise).ceil()  # [B]
        drawn = torch.rand(len(num_facts), device=num_facts.device)  # [B]
        num_places = (num_facts + (drawn * (most + 1)).floor().long()).unsqueeze(1)  # [B, 1]

        width = num_slots + math.ceil(num_slots * self.noise)
        order = torch.rand(len(num_facts), width, device=num_facts.device)  # [B, P]
        order = torch.where(length_mask(num_places.squeeze(1), width), order, 2.0)  # [B, P]
        # The places of the facts: the n first of a random order, then sorted from the end.
        chosen = order.argsort(dim=1)[:, :num_slots]  # [B, N]
        beyond = ~length_mask(num_facts, num_slots)  # [B, N]
        places = chosen.masked_fill(beyond, width).sort(dim=1).values  # [B, N], growing
        from_end = num_facts.unsqueeze(1) - 1 - torch.arange(num_slots, device=places.device)
        return places.gather(1, from_end.clamp_min(0)) - from_end.clamp_min(0)  # [B, N]
