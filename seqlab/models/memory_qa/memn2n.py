"""MemN2N: the question reads the facts in several soft hops, taught by the answers alone."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from seqlab.components.masking import length_mask
from seqlab.components.memory.answers import score_words
from seqlab.components.memory.hops import read_memory
from seqlab.components.memory.sentences import INITIAL_DEVIATION, SentenceEncoding
from seqlab.components.memory.temporal import TemporalEncoding, most_recent
from seqlab.models.interfaces import Answered, QuestionAnswerer, Questions


class MemN2N(QuestionAnswerer):
    """End-to-end memory network; Sukhbaatar et al. (2015), sections 2 and 4.1.

    u^1 = B q; o^k = sum_i softmax_i(u^k m_i^k) c_i^k; u^(k+1) = u^k + o^k; a = softmax(W u^(K+1)).
    The input memory m^k comes from the tables A^k and T_A^k, the output memory c^k from C^k and
    T_C^k. Tied adjacently, A^(k+1) = C^k, B = A^1 and W^T = C^K. Tied layer-wise, all A^k are one,
    all C^k are one and u^(k+1) = H u^k + o^k. The tables lie side by side and are read in one go.

    Linear start (section 4.2): in the first epochs there is no softmax over the memories.

    The memory has `memory_size` places whatever the story. Those without a fact are null, as all
    padding is in the paper, and take part in the softmax: a hop that finds nothing of use reads
    nothing. Without them the mean error on all tasks of bAbI was 15.8 % instead of 12.4 % (one
    seed), most of it in questions answered by yes or no.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        sentence_encoding: how a sentence becomes a vector.
        embedding_dim: size D of every vector.
        num_hops: number K of hops.
        tying: which tables are one.
        memory_size: how many facts are kept, the most recent ones.
        time_noise: most empty memories put between them in training, as a share of the facts.
        linear_start_epochs: epochs without a softmax over the memories.

    Raises:
        ValueError: there is no hop, or a negative number of epochs.
    """

    is_linear: Tensor

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        sentence_encoding: Callable[..., SentenceEncoding],
        embedding_dim: int,
        num_hops: int,
        tying: Literal["adjacent", "layer_wise"],
        memory_size: int,
        time_noise: float,
        linear_start_epochs: int,
    ) -> None:
        super().__init__()
        if num_hops < 1 or linear_start_epochs < 0:
            raise ValueError(
                f"num_hops={num_hops} is at least 1, "
                f"linear_start_epochs={linear_start_epochs} at least 0"
            )
        words = {"vocab_size": vocab_size, "pad_id": pad_id, "embedding_dim": embedding_dim}
        is_adjacent = tying == "adjacent"
        num_tables = num_hops + 1 if is_adjacent else 2
        self.fact_encoding = sentence_encoding(num_tables=num_tables, **words)
        self.temporal_encoding = TemporalEncoding(
            memory_size=memory_size,
            embedding_dim=embedding_dim,
            num_tables=num_tables,
            noise=time_noise,
        )
        # What adjacent tying takes from the tables of the facts, layer-wise tying has of its own.
        self.question_encoding: SentenceEncoding | None = None  # B
        self.between_hops: nn.Linear | None = None  # H
        self.to_words: nn.Linear | None = None  # W
        if not is_adjacent:
            self.question_encoding = sentence_encoding(num_tables=1, **words)
            self.between_hops = nn.Linear(embedding_dim, embedding_dim, bias=False)
            self.to_words = nn.Linear(embedding_dim, vocab_size, bias=False)
            for layer in (self.between_hops, self.to_words):
                nn.init.normal_(layer.weight, std=INITIAL_DEVIATION)
        self.num_hops, self.memory_size, self.pad_id = num_hops, memory_size, pad_id
        self.linear_start_epochs = linear_start_epochs
        # A buffer, since a checkpoint of the linear start has to be read without a softmax too.
        self.register_buffer("is_linear", torch.tensor(linear_start_epochs > 0))

    def begin_epoch(self, epoch: int) -> None:
        """End the linear start in time."""
        self.is_linear.fill_(epoch < self.linear_start_epochs)

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answer questions; which facts support an answer is not looked at."""
        recent = most_recent(questions.facts, questions.num_facts, self.memory_size)
        num_slots = recent.facts.shape[1]
        mask = length_mask(recent.num_facts, num_slots)  # [B, N]
        num_empty = self.memory_size - recent.num_facts  # [B]
        memory = self.fact_encoding(recent.facts)  # [B, N, T, D]
        memory = memory + self.temporal_encoding(recent.num_facts, num_slots)  # [B, N, T, D]
        tables = memory.unbind(dim=2)  # T times [B, N, D]

        query = self._ask(questions.question)  # [B, D]
        attention = []
        for hop in range(self.num_hops):
            is_adjacent = self.between_hops is None
            keys, values = tables[hop : hop + 2] if is_adjacent else tables  # [B, N, D]
            read = read_memory(query, keys, values, mask, self.is_linear, num_empty)
            carried = query if is_adjacent else self.between_hops(query)  # [B, D]
            query = carried + read.output  # [B, D]
            attention.append(read.weights)
        weights = torch.stack(attention, dim=1)  # [B, K, N]
        words = self.fact_encoding.words(-1) if self.to_words is None else self.to_words.weight
        logits = score_words(query, words, self.pad_id)  # [B, V]
        return Answered(logits, recent.spread(weights, questions.facts.shape[1]), {})

    def _ask(self, question: Tensor) -> Tensor:
        """The question [B, Q] as the first query [B, D]."""
        encoding = self.question_encoding or self.fact_encoding
        return encoding(question)[:, 0]  # [B, D]
