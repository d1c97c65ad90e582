"""What an attention is: a score, a selection and a read over a set of vectors."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class Prepared(NamedTuple):
    """What is attended over, projected once per input and reused at every step."""

    values: Tensor  # [B, L, D]
    keys: Tensor  # [B, L, A]
    mask: Tensor | None  # [B, L], True where there is something to attend to
    sampled: Tensor | None = None  # [B], True where a selection that can sample does so


class Attended(NamedTuple):
    """One read per query."""

    context: Tensor  # [B, D] or [B, T, D]
    # [B, L] or [B, T, L], what was read; exactly 0 outside the mask. Each row sums to 1, or to less
    # where a paper dampens after its softmax (local-p).
    weights: Tensor
    # [B, L] or [B, T, L], what the selection chose from, each row sums to 1; the weights where it
    # is soft.
    probabilities: Tensor


class Score(nn.Module, ABC):
    """How well each key answers a query."""

    @abstractmethod
    def project(self, values: Tensor) -> Tensor:
        """Keys [B, L, A] of values [B, L, D]: the part that no query changes."""

    @abstractmethod
    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Unnormalised scores [B, L] of a query [B, Q], or [B, T, L] of queries [B, T, Q]."""


class Attention(nn.Module, ABC):
    """A way to read a set of vectors; an input is prepared once and queried often.

    A model asks for it as `attention: Callable[..., Attention]` and calls it with `query_dim` and
    `value_dim`; the configuration holds what is left to choose.

    Attributes:
        samples: whether in training it reads a sample, through which no gradient flows.
    """

    samples: bool = False

    @abstractmethod
    def prepare(self, values: Tensor, mask: Tensor | None = None) -> Prepared:
        """Project the values once.

        Args:
            values: what to attend over, [B, L, D].
            mask: True where a value is real, [B, L]; None where all are. Each row has a True.
        """

    @abstractmethod
    def forward(
        self, query: Tensor, prepared: Prepared, position: Tensor | None = None
    ) -> Attended:
        """Read with one query per input, or with those of many steps at once.

        Args:
            query: [B, Q] or [B, T, Q].
            prepared: what is read.
            position: the step that each query belongs to, counted from 0, [B] or [B, T]. A model
                always gives it, since some attentions follow the steps.
        """
