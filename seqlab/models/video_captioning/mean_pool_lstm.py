"""A video as the mean of its frames, described word by word."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.image_vector import image_vector
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.video.frames import real_frame_vectors
from seqlab.models.interfaces import Footage, TeacherForced, VideoCaptioningModel, Watched


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, fields [N, H]
    weights: None = None  # it does not attend


class MeanPoolLSTM(VideoCaptioningModel):
    """The mean of all frames, read anew with each word; Venugopalan et al. (2015a), section 3.

    v = 1/F sum_f CNN(frame_f), h_t = LSTM([W_e y_t; W_v v]). The order of the frames changes
    nothing. W_v v is normalised over the batch, and dropout falls on words and outputs, never
    between steps.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: reads a frame.
        recurrent: what reads and remembers the words, two layers of LSTM in the paper.
        embedding_dim: size E of a word vector, and of the video's.
        hidden_dim: size H of the recurrent state.
        dropout: probability with which a number of a word or an output is dropped.
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
        self.video = image_vector(backbone, embedding_dim)
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=2 * embedding_dim, hidden_dim=hidden_dim)
        self.to_vocabulary = nn.Linear(hidden_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def watch(self, footage: Footage) -> Watched:
        """A vector of each frame [B, F, 3, height, width]."""
        vectors = real_frame_vectors(self.backbone, footage.frames, footage.lengths)  # [B, F, D]
        return Watched(vectors, footage.lengths)

    def encode(self, source: Watched) -> tuple[DecoderState, Tensor]:
        """State before the first word, and as memory the video's vector [B, E]."""
        mean = source.vectors.sum(dim=1) / source.lengths.unsqueeze(1)  # [B, D]
        state = DecoderState(self.cell.init_state(len(mean)))
        return state, self.video(mean)

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Tensor
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.dropout(self.embedding(tokens))  # [N, E]
        output, recurrent = self.cell(torch.cat([word, memory], dim=1), state.recurrent)  # [N, H]
        logits = self.to_vocabulary(self.dropout(output))  # [N, V]
        return logits.log_softmax(dim=1), DecoderState(recurrent)

    def forward(self, source: Watched, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1].

        A step knows only what came before it, so the padding after a sentence needs no mask.
        """
        state, video = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        videos = video.unsqueeze(1).expand(-1, words.shape[1], -1)  # [B, T, E]
        inputs = torch.cat([words, videos], dim=2)  # [B, T, 2E]
        outputs, _ = unroll(self.cell, inputs, state.recurrent)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(outputs))  # [B, T, V]
        return TeacherForced(logits, None, {})
