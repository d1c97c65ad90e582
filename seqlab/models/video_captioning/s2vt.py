"""S2VT: the layers that have read the frames go on to write the words."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.video.frames import real_frame_vectors
from seqlab.models.interfaces import Footage, TeacherForced, VideoCaptioningModel, Watched


class S2VTState(NamedTuple):
    """What one word hands to the next."""

    first: Any  # of the layer that reads frames, fields [N, H]
    second: Any  # of the layer that reads words
    weights: None = None  # it does not attend


class S2VT(VideoCaptioningModel):
    """Sequence to sequence, video to text; Venugopalan et al. (2015b), section 3.2 and figure 2.

    While there are frames the first layer reads them, and the second its outputs beside a word of
    zeros. Then the first layer reads frames of zeros, and the second its outputs beside the word
    before. Only then is anything said.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: reads a frame.
        recurrent: each of the two layers.
        embedding_dim: size E of a word vector, and of a frame's.
        hidden_dim: size H of the state of either layer.
        dropout: probability with which a number of a frame, a word or an output is dropped.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        backbone: Backbone,
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedding_dim = embedding_dim
        self.frame = nn.Linear(backbone.channels, embedding_dim)
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.first = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.second = recurrent(input_dim=hidden_dim + embedding_dim, hidden_dim=hidden_dim)
        self.to_vocabulary = nn.Linear(hidden_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def watch(self, footage: Footage) -> Watched:
        """A vector of each frame [B, F, 3, height, width]."""
        vectors = real_frame_vectors(self.backbone, footage.frames, footage.lengths)  # [B, F, D]
        return Watched(vectors, footage.lengths)

    def encode(self, source: Watched) -> tuple[S2VTState, None]:
        """State after reading the frames; no memory, since they are read once."""
        vectors, lengths = source
        batch_size, num_frames, _ = vectors.shape
        frames = self.dropout(self.frame(vectors))  # [B, F, E]
        start = self.first.init_state(batch_size)
        outputs, first = unroll(self.first, frames, start, lengths)  # [B, F, H]
        no_words = outputs.new_zeros(batch_size, num_frames, self.embedding_dim)  # [B, F, E]
        inputs = torch.cat([outputs, no_words], dim=2)  # [B, F, H + E]
        _, second = unroll(self.second, inputs, self.second.init_state(batch_size), lengths)
        return S2VTState(first, second), None

    def step(self, tokens: Tensor, state: S2VTState, memory: None) -> tuple[Tensor, S2VTState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.dropout(self.embedding(tokens))  # [N, E]
        output, first = self.first(torch.zeros_like(word), state.first)  # [N, H]
        output, second = self.second(torch.cat([output, word], dim=1), state.second)  # [N, H]
        logits = self.to_vocabulary(self.dropout(output))  # [N, V]
        return logits.log_softmax(dim=1), S2VTState(first, second)

    def forward(self, source: Watched, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1].

        A step knows only what came before it, so the padding after a sentence needs no mask.
        """
        state, _ = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        outputs, _ = unroll(self.first, torch.zeros_like(words), state.first)  # [B, T, H]
        inputs = torch.cat([outputs, words], dim=2)  # [B, T, H + E]
        outputs, _ = unroll(self.second, inputs, state.second)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(outputs))  # [B, T, V]
        return TeacherForced(logits, None, {})
