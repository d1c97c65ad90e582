"""Show and tell: an image is translated into a sentence."""

from collections.abc import Callable
from typing import Any, NamedTuple

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
    weights: None = None  # it does not attend


class ShowTell(CaptioningModel):
    """The image is the first word that a recurrent cell reads; Vinyals et al. (2015), section 3.1.

    x_-1 = CNN(I), x_t = W_e S_t, p_(t+1) = LSTM(x_t) (equations 10 to 12). CNN(I) is the backbone's
    summary of its feature map, projected and normalised over the batch. Dropout falls on words and
    outputs, never between steps.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: whose feature maps are described.
        recurrent: what reads and remembers the words.
        embedding_dim: size E of a word vector, and of the image's.
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
        self.image = image_vector(backbone, embedding_dim)
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.to_vocabulary = nn.Linear(hidden_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source: Tensor) -> tuple[DecoderState, None]:
        """State after reading feature maps [B, D, h, w]; no memory, since they are read once."""
        image = self.image(self.backbone.summary(source))  # [B, E]
        _, recurrent = self.cell(image, self.cell.init_state(len(image)))
        return DecoderState(recurrent), None

    def step(
        self, tokens: Tensor, state: DecoderState, memory: None
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.dropout(self.embedding(tokens))  # [N, E]
        output, recurrent = self.cell(word, state.recurrent)  # [N, H]
        logits = self.to_vocabulary(self.dropout(output))  # [N, V]
        return logits.log_softmax(dim=1), DecoderState(recurrent)

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] on feature maps [B, D, h, w].

        A step knows only what came before it, so the padding after a sentence needs no mask.
        """
        state, _ = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        outputs, _ = unroll(self.cell, words, state.recurrent)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(outputs))  # [B, T, V]
        return TeacherForced(logits, None, {})
