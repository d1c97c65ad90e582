"""KV-MemNN: a fact is found by one thing and read for another."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqlab.components.masking import length_mask
from seqlab.components.memory.answers import score_words
from seqlab.components.memory.hops import read_memory
from seqlab.components.memory.sentences import SentenceEncoding
from seqlab.components.memory.temporal import TemporalEncoding, most_recent
from seqlab.models.interfaces import Answered, QuestionAnswerer, Questions


class KVMemNN(QuestionAnswerer):
    """Key-value memory network; Miller et al. (2016), section 3.1.

    q_1 = A x; p_i = softmax_i(q_j A k_i); o = sum_i p_i A v_i; q_(j+1) = R_j (q_j + o); the answer
    is softmax(q_(H+1) B y) over the words y. A and B are one table. Facts without keys or values
    are found by, or read for, all their words.

    A knowledge base has no order. In a story it counts when a fact was told: with `memory_size` a
    key and a value also have a vector for their place, as in `MemN2N`.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        sentence_encoding: how words become a vector.
        embedding_dim: size D of every vector.
        num_hops: number K of hops.
        memory_size: how many facts are kept, the most recent ones, each with its place; None keeps
            all, in no order.
        time_noise: most empty memories put between them in training, as a share of the facts.

    Raises:
        ValueError: there is no hop.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        sentence_encoding: Callable[..., SentenceEncoding],
        embedding_dim: int,
        num_hops: int,
        memory_size: int | None,
        time_noise: float,
    ) -> None:
        super().__init__()
        if num_hops < 1:
            raise ValueError(f"num_hops={num_hops} is at least 1")
        self.sentence_encoding = sentence_encoding(
            vocab_size=vocab_size, pad_id=pad_id, embedding_dim=embedding_dim, num_tables=1
        )
        self.temporal_encoding: TemporalEncoding | None = None
        if memory_size is not None:
            self.temporal_encoding = TemporalEncoding(
                memory_size=memory_size,
                embedding_dim=embedding_dim,
                num_tables=2,  # of keys and of values
                noise=time_noise,
            )
        self.updates = nn.ModuleList(
            nn.Linear(embedding_dim, embedding_dim, bias=False) for _ in range(num_hops)
        )  # R_1 .. R_K
        for update in self.updates:
            nn.init.eye_(update.weight)  # each hop starts as one of MemN2N
        self.memory_size, self.pad_id = memory_size, pad_id

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answer questions; which facts support an answer is not looked at."""
        facts, num_facts = questions.facts, questions.num_facts
        num_slots = facts.shape[1]
        size = num_slots if self.memory_size is None else self.memory_size
        keys, values = (
            most_recent(facts if words is None else words, num_facts, size)
            for words in (questions.keys, questions.values)
        )
        mask = length_mask(keys.num_facts, keys.facts.shape[1])  # [B, N]
        is_same = questions.keys is None and questions.values is None
        key_vectors = self.encode(keys.facts)  # [B, N, D]
        value_vectors = key_vectors if is_same else self.encode(values.facts)  # [B, N, D]
        if self.temporal_encoding is not None:
            times = self.temporal_encoding(keys.num_facts, keys.facts.shape[1])  # [B, N, 2, D]
            key_vectors = key_vectors + times[:, :, 0]  # [B, N, D]
            value_vectors = value_vectors + times[:, :, 1]  # [B, N, D]

        query = self.encode(questions.question)  # [B, D]
        attention = []
        for update in self.updates:
            read = read_memory(query, key_vectors, value_vectors, mask)
            query = update(query + read.output)  # [B, D]
            attention.append(read.weights)
        logits = score_words(query, self.sentence_encoding.words(0), self.pad_id)  # [B, V]
        weights = torch.stack(attention, dim=1)  # [B, K, N]
        return Answered(logits, keys.spread(weights, num_slots), {})

    def encode(self, sentences: Tensor) -> Tensor:
        """Vectors [..., D] of sentences [..., W]."""
        return self.sentence_encoding(sentences).squeeze(-2)  # [..., D]
