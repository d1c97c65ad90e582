"""RNNsearch as it is usually written, to measure ours beside it."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.searching import State, usual_beam
from seqlab.models.interfaces import Sentences
from seqlab.models.translation.rnn_search import RNNSearch

PAD = 0


class Pairs(NamedTuple):
    """Sentences and their translations."""

    source: Sentences  # tokens [B, S], lengths [B]
    tokens: Tensor  # [B, T + 1], start, words, end, padding
    lengths: Tensor  # [B], words and end


class Source(NamedTuple):
    """What the usual decoder reads."""

    annotations: Tensor  # [B, S, D]
    mask: Tensor  # [B, S], True on words and end


class UsualTranslator(nn.Module):
    """The same equations as a time loop that does everything; starts with the weights of `ours`.

    Its attention has as many hidden units as its state, and so has its maxout layer.
    """

    def __init__(self, ours: RNNSearch) -> None:
        super().__init__()
        hidden_dim, encoder_dim = ours.cell.hidden_dim, ours.encoder.forward_cell.hidden_dim
        vocab_size, embedding_dim = ours.embedding.weight.shape
        value_dim = 2 * encoder_dim
        self.source_embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=PAD)
        self.encoder = nn.GRU(embedding_dim, encoder_dim, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(encoder_dim, hidden_dim)
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=PAD)
        self.cell = nn.GRUCell(embedding_dim + value_dim, hidden_dim)
        self.key = nn.Linear(value_dim, hidden_dim)
        self.query = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.energy = nn.Linear(hidden_dim, 1, bias=False)
        self.from_hidden = nn.Linear(hidden_dim, 2 * hidden_dim)
        self.from_word = nn.Linear(embedding_dim, 2 * hidden_dim, bias=False)
        self.from_context = nn.Linear(value_dim, 2 * hidden_dim, bias=False)
        self.to_vocabulary = nn.Linear(hidden_dim, vocab_size)
        self.load_weights(ours)

    @torch.no_grad()
    def load_weights(self, ours: RNNSearch) -> None:
        for mine, theirs in shared_layers(self, ours).values():
            mine.load_state_dict(theirs.state_dict())
        ahead, back = ours.encoder.forward_cell.kernel, ours.encoder.backward_cell.kernel
        for name, weight in ahead.named_parameters():
            getattr(self.encoder, name).copy_(weight)
            getattr(self.encoder, f"{name}_reverse").copy_(getattr(back, name))
        kernel = ours.cell.kernel
        self.cell.weight_ih.copy_(torch.cat([kernel.weight_ih_l0, ours.from_context.weight], 1))
        self.cell.weight_hh.copy_(kernel.weight_hh_l0)
        self.cell.bias_ih.copy_(kernel.bias_ih_l0)
        self.cell.bias_hh.copy_(kernel.bias_hh_l0)

    def encode(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Source]:
        """First hidden state [B, H], and what is read, of sentences [B, S]."""
        words = self.source_embedding(tokens)  # [B, S, E]
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        outputs, last = self.encoder(packed)  # last: [2, B, encoder_dim]
        annotations, _ = pad_packed_sequence(outputs, batch_first=True)  # [B, S, D]
        return torch.tanh(self.bridge(last[1])), Source(annotations, tokens != PAD)

    def step(self, words: Tensor, hidden: Tensor, source: Source) -> tuple[Tensor, Tensor]:
        """Logits [N, V] of what follows words [N], and the next hidden state [N, H]."""
        annotations, mask = source
        word = self.embedding(words)  # [N, E]
        meeting = torch.tanh(self.key(annotations) + self.query(hidden).unsqueeze(1))  # [N, S, A]
        energy = self.energy(meeting).squeeze(2).masked_fill(~mask, -torch.inf)  # [N, S]
        alpha = energy.softmax(dim=1)  # [N, S]
        context = (alpha.unsqueeze(2) * annotations).sum(dim=1)  # [N, D]
        units = self.from_hidden(hidden) + self.from_word(word) + self.from_context(context)
        largest = units.unflatten(1, (-1, 2)).amax(dim=2)  # [N, maxout]
        hidden = self.cell(torch.cat([word, context], dim=1), hidden)  # [N, H]
        return self.to_vocabulary(largest), hidden

    def loss(self, pairs: Pairs) -> Tensor:
        """Nats per word, []."""
        hidden, source = self.encode(*pairs.source)
        logits = []
        for words in pairs.tokens[:, :-1].unbind(dim=1):  # [B]
            scores, hidden = self.step(words, hidden, source)
            logits.append(scores)
        every = torch.stack(logits, dim=1).flatten(0, 1)  # [B T, V]
        return F.cross_entropy(every, pairs.tokens[:, 1:].flatten(), ignore_index=PAD)

    def search_step(self, words: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        """Log-probabilities [K, V] after words [K] of one sentence, and the next state."""
        annotations, mask = (part.expand(len(words), *part.shape[1:]) for part in source)
        logits, hidden = self.step(words, state[0], Source(annotations, mask))
        return logits.log_softmax(dim=1), (hidden,)

    @torch.no_grad()
    def translate(self, source: Sentences, max_length: int) -> tuple[list[int], float]:
        """The best translation of one sentence, and its log-probability."""
        hidden, read = self.encode(*source)
        return usual_beam(partial(self.search_step, source=read), (hidden,), max_length)


def shared_layers(
    usual: UsualTranslator, ours: RNNSearch
) -> dict[str, tuple[nn.Module, nn.Module]]:
    """The layers that both have in the same form."""
    score, output = ours.attention.score, ours.output
    return {
        "source embedding": (usual.source_embedding, ours.source_embedding),
        "embedding": (usual.embedding, ours.embedding),
        "bridge": (usual.bridge, ours.bridge.fields["hidden"][0]),
        "key": (usual.key, score.key),
        "query": (usual.query, score.query),
        "energy": (usual.energy, score.energy),
        "maxout of state": (usual.from_hidden, output.from_hidden),
        "maxout of word": (usual.from_word, output.from_word),
        "maxout of context": (usual.from_context, output.from_context),
        "vocabulary": (usual.to_vocabulary, output.to_vocabulary),
    }
