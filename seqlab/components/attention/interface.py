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
    """One read."""

    context: Tensor  # [B, D]
    weights: Tensor  # [B, L], what was read; exactly 0 outside the mask, each row sums to 1
    probabilities: Tensor  # [B, L], what the selection chose from; the weights where it is soft


class Score(nn.Module, ABC):
    """How well each key answers a query."""

    @abstractmethod
    def project(self, values: Tensor) -> Tensor:
        """Keys [B, L, A] of values [B, L, D]: the part that no query changes."""

    @abstractmethod
    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Unnormalised scores [B, L] of a query [B, Q]."""


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
    def forward(self, query: Tensor, prepared: Prepared) -> Attended:
        """Read with a query [B, Q]."""
