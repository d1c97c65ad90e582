"""Grid LSTM translation: the source is read anew, forwards and backwards, for every target word."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.grid.block import Dimension
from seqlab.components.grid.grid import GridLSTM
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.recurrent.bidirectional import reverse
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel

SOURCE, TARGET, DEPTH = range(3)  # dimensions of the grid
FORGET_BIAS = 1.0  # the paper names none; Jozefowicz et al. (2015)


class ReencoderState(NamedTuple):
    """What one target word hands to the next: what has become of the source words in L layers.

    Source words stand in the order in which their layer scans them.
    """

    hidden: Tensor  # [N, L, S, H]
    memory: Tensor  # [N, L, S, H]
    weights: None = None  # the network attends by re-encoding only


class ReencoderMemory(NamedTuple):
    """What all target words share."""

    lengths: Tensor  # [N], of the source


class GridLSTMTranslation(TranslationModel):
    """The Reencoder of Kalchbrenner et al. (2016), section 4.5.

    A grid of source x target x depth: the words of the source enter on one side, those of the
    target on another, each projected to a hidden and a memory vector. For each target word the
    first layer scans the source one way, the second the other way, and so on; the layers
    communicate at each source word along the depth. The vectors that a target word has become at
    the end of the last layer's scan, hidden and memory, predict the next word.

    Weights are shared by all positions of source and target; each layer, which is what the depth
    adds, has its own, and projections of the words of its own. Along the depth the connection is
    the identity of section 3.3, W H, and has priority: a layer reads what the one before has made
    of a pair of words. That is what makes a grid without cells in depth a stack of LSTMs, as the
    section says.

    Args:
        source_vocab_size: number of words of the source language.
        target_vocab_size: number V of words of the target language.
        pad_id: index of the padding.
        embedding_dim: size E of a word vector.
        hidden_dim: size H of every vector in the grid.
        num_layers: number L of scans of the source.
        dropout: probability with which a number is dropped, where it enters a layer from a word or
            from the layer below, and where it leaves the last one.

    Raises:
        ValueError: if there is no layer.
    """

    def __init__(
        self,
        *,
        source_vocab_size: int,
        target_vocab_size: int,
        pad_id: int,
        embedding_dim: int,
        hidden_dim: int,
        num_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers is at least 1, not {num_layers}")
        self.hidden_dim, self.num_layers = hidden_dim, num_layers
        self.source_embedding, self.target_embedding = (
            word_embedding(vocab_size=size, embedding_dim=embedding_dim, pad_id=pad_id)
            for size in (source_vocab_size, target_vocab_size)
        )
        # Hidden and memory vectors of all layers, in one product.
        self.enter_source = nn.Linear(embedding_dim, num_layers * 2 * hidden_dim)
        self.enter_target = nn.Linear(embedding_dim, num_layers * 2 * hidden_dim)
        # Layers are grids of their own, since they scan the source in opposite directions.
        depths = [Dimension(connection="identity", priority=True)] * (num_layers - 1)
        self.layers = nn.ModuleList(
            GridLSTM(
                hidden_dim=hidden_dim,
                dimensions=(Dimension(), Dimension(), depth),
                forget_bias=FORGET_BIAS,
            )
            for depth in [*depths, Dimension(connection="none")]  # above the last is nothing
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * hidden_dim, target_vocab_size)

    def encode(self, source: Sentences) -> tuple[ReencoderState, ReencoderMemory]:
        """What enters on the side of the source, and its lengths."""
        words = self.dropout(self.source_embedding(source.tokens))  # [B, S, E]
        entering = self.split_layers(self.enter_source(words))  # [B, S, L, 2, H]
        scanned = [
            in_scan_order(entering[:, :, layer], layer, source.lengths)  # [B, S, 2, H]
            for layer in range(self.num_layers)
        ]
        hidden, memory = torch.stack(scanned, dim=1).unbind(dim=3)  # each [B, L, S, H]
        return ReencoderState(hidden, memory), ReencoderMemory(source.lengths)

    def step(
        self, tokens: Tensor, state: ReencoderState, memory: ReencoderMemory
    ) -> tuple[Tensor, ReencoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        logits, state = self.reencode(tokens.unsqueeze(1), state, memory)
        return logits.squeeze(1).log_softmax(dim=1), state

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1], all target words in one grid."""
        logits, _ = self.reencode(tokens[:, :-1], *self.encode(source))
        return TeacherForced(logits, None, {})

    def reencode(
        self, tokens: Tensor, state: ReencoderState, memory: ReencoderMemory
    ) -> tuple[Tensor, ReencoderState]:
        """Logits [B, T, V] of what follows each of the tokens [B, T], and the state after them."""
        words = self.dropout(self.target_embedding(tokens))  # [B, T, E]
        entering = self.split_layers(self.enter_target(words))  # [B, T, L, 2, H]
        extents = (state.hidden.shape[2], tokens.shape[1], 1)
        deep, leaving = None, []  # deep: [B, S, T, H], as written
        for layer, grid in enumerate(self.layers):
            if deep is not None:
                deep = in_scan_order(self.dropout(deep), layer, memory.lengths)
            hidden, cell = (part[:, layer].unsqueeze(2) for part in state[:2])  # [B, S, 1, H]
            word_hidden, word_cell = entering[:, :, layer].unsqueeze(2).unbind(dim=3)
            vectors = grid(
                extents,
                (word_hidden, hidden, deep),  # [B, T, 1, H], [B, S, 1, H], [B, S, T, H]
                (word_cell, cell, None),
                (memory.lengths, None, None),
            )
            leaving.append(vectors)
            deep = vectors.hidden[DEPTH]
            if deep is not None:
                deep = in_scan_order(deep, layer, memory.lengths)
        read = torch.cat([leaving[-1].hidden[SOURCE], leaving[-1].memory[SOURCE]], dim=3)
        logits = self.output(self.dropout(read.squeeze(2)))  # [B, T, V]
        return logits, ReencoderState(
            torch.cat([vectors.hidden[TARGET] for vectors in leaving], dim=2).transpose(1, 2),
            torch.cat([vectors.memory[TARGET] for vectors in leaving], dim=2).transpose(1, 2),
        )

    def split_layers(self, projected: Tensor) -> Tensor:
        """Projected words [B, S, L * 2 * H] as [B, S, L, 2, H]: hidden and memory of each layer."""
        return projected.unflatten(2, (self.num_layers, 2, self.hidden_dim))


def in_scan_order(positions: Tensor, layer: int, lengths: Tensor) -> Tensor:
    """Source positions [B, S, ...] from the written order to a layer's, or back."""
    return positions if layer % 2 == 0 else reverse(positions, lengths)
