"""NeuralTalk: a recurrent network biased by an image at its first word."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.image_vector import image_vector
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.models.interfaces import CaptioningModel, TeacherForced


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, fields [N, H]
    image: Tensor  # [N, P], the image's bias b_v before the first word, 0 after it
    weights: None = None  # it does not attend


class NeuralTalk(CaptioningModel):
    """Multimodal recurrent network of Karpathy and Fei-Fei (2015), equations 13 to 15.

    b_v = W_hi CNN(I); h_t = f(W_hx x_t + W_hh h_(t-1) + b_h + 1(t = 1) b_v);
    y_t = softmax(W_oh h_t + b_o). W_hi CNN(I) is the backbone's summary of its feature map,
    projected and normalised over the batch. In a cell with gates b_v biases every gate. Dropout
    falls on words and outputs, never between steps.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: whose feature maps are described.
        recurrent: what reads and remembers the words; the simple network in the paper.
        embedding_dim: size E of a word vector.
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
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.from_image = image_vector(backbone, self.cell.projected_dim)
        self.to_vocabulary = nn.Linear(hidden_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source: Tensor) -> tuple[DecoderState, None]:
        """State of feature maps [B, D, h, w]; no memory, since they are read once."""
        image = self.from_image(self.backbone.summary(source))  # [B, P]
        return DecoderState(self.cell.init_state(len(image)), image), None

    def step(
        self, tokens: Tensor, state: DecoderState, memory: None
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.dropout(self.embedding(tokens))  # [N, E]
        projected = self.cell.project(word) + state.image  # [N, P]
        output, recurrent = self.cell.step(projected, state.recurrent)  # [N, H]
        logits = self.to_vocabulary(self.dropout(output))  # [N, V]
        return logits.log_softmax(dim=1), DecoderState(recurrent, torch.zeros_like(state.image))

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] on feature maps [B, D, h, w].

        A step knows only what came before it, so the padding after a sentence needs no mask.
        """
        state, _ = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        first = self.cell.project(words[:, 0]) + state.image  # [B, P]
        output, recurrent = self.cell.step(first, state.recurrent)  # [B, H]
        outputs = output.unsqueeze(1)  # [B, 1, H]
        if words.shape[1] > 1:
            rest, _ = unroll(self.cell, words[:, 1:], recurrent)  # [B, T - 1, H]
            outputs = torch.cat([outputs, rest], dim=1)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(outputs))  # [B, T, V]
        return TeacherForced(logits, None, {})
