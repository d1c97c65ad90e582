"""Several trained models that choose each word together."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.models.interfaces import (
    CaptioningModel,
    Footage,
    SequenceGenerator,
    TeacherForced,
    VideoCaptioningModel,
    Watched,
)


class EnsembleState(NamedTuple):
    """What one word hands to the next."""

    members: tuple[Any, ...]  # the state of each member
    weights: Tensor | None  # [N, L], mean of the members' attention where all of them attend


class Ensemble(SequenceGenerator):
    """The mean of the members' probabilities at each step, as Sutskever et al. (2014) decode.

    p(y_t | y_<t, x) = 1/M sum_m p_m(y_t | y_<t, x)

    Args:
        members: models of one interface and one vocabulary, at least one; all read the same source.

    Raises:
        ValueError: there is no member.
    """

    def __init__(self, *, members: Sequence[SequenceGenerator]) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble has at least one member")
        self.members = nn.ModuleList(members)

    def encode(self, source: Any) -> tuple[EnsembleState, tuple[Any, ...]]:
        """State and memories from which decoding starts."""
        return self.encode_each([source] * len(self.members))

    def encode_each(self, sources: Sequence[Any]) -> tuple[EnsembleState, tuple[Any, ...]]:
        """State and memories, each member given a source of its own."""
        pairs = [
            member.encode(source)  # type: ignore[operator]
            for member, source in zip(self.members, sources, strict=True)
        ]
        states, memories = zip(*pairs, strict=True)
        return _state(states), memories

    def step(
        self, tokens: Tensor, state: EnsembleState, memory: tuple[Any, ...]
    ) -> tuple[Tensor, EnsembleState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        pairs = [
            member.step(tokens, own, shared)  # type: ignore[operator]
            for member, own, shared in zip(self.members, state.members, memory, strict=True)
        ]
        log_probabilities, states = zip(*pairs, strict=True)
        return log_mean(log_probabilities), _state(states)

    def forward(self, source: Any, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1]."""
        return self.forward_each([source] * len(self.members), tokens, lengths)

    def forward_each(
        self, sources: Sequence[Any], tokens: Tensor, lengths: Tensor
    ) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1], each member given a source of its own."""
        forced: list[TeacherForced] = [
            member(source, tokens, lengths)
            for member, source in zip(self.members, sources, strict=True)
        ]
        logits = log_mean([each.logits.log_softmax(dim=2) for each in forced])  # [B, T, V]
        return TeacherForced(logits, _mean([each.weights for each in forced]), {})


class CaptioningEnsemble(CaptioningModel):
    """An `Ensemble` whose members look at an image each through a backbone of its own.

    Its source is the members' feature maps one upon the other, [B, D_1 + ... + D_M, h, w]; members
    with the same backbone share its part of them.

    Args:
        members: with the same vocabulary, at least one.

    Raises:
        ValueError: there is no member, or their feature maps are not equally fine.
    """

    def __init__(self, *, members: Sequence[CaptioningModel]) -> None:
        super().__init__()
        self.ensemble = Ensemble(members=members)
        distinct: dict[str, Backbone] = {}
        names = [member.backbone.fingerprint() for member in members]
        for name, member in zip(names, members, strict=True):
            distinct.setdefault(name, member.backbone)
        parts = list(distinct.values())
        # The only one stays as it is, so that features that were kept of it are found again.
        self.backbone = parts[0] if len(parts) == 1 else JointBackbone(parts=parts)
        self.channels = [part.channels for part in parts]
        self.part_of = [list(distinct).index(name) for name in names]

    def sources(self, source: Tensor) -> list[Tensor]:
        """The feature map [B, D_m, h, w] of each member."""
        maps = source.split(self.channels, dim=1)
        return [maps[part] for part in self.part_of]

    def encode(self, source: Tensor) -> tuple[EnsembleState, tuple[Any, ...]]:
        """State and memories of feature maps [B, D, h, w]."""
        return self.ensemble.encode_each(self.sources(source))

    def step(
        self, tokens: Tensor, state: EnsembleState, memory: tuple[Any, ...]
    ) -> tuple[Tensor, EnsembleState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        return self.ensemble.step(tokens, state, memory)

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] on feature maps [B, D, h, w]."""
        return self.ensemble.forward_each(self.sources(source), tokens, lengths)


class VideoCaptioningEnsemble(VideoCaptioningModel):
    """An `Ensemble` whose members watch a video each in its own way.

    Its source is what each of them has watched, in their order.

    Args:
        members: with the same vocabulary, at least one.

    Raises:
        ValueError: there is no member.
    """

    def __init__(self, *, members: Sequence[VideoCaptioningModel]) -> None:
        super().__init__()
        self.ensemble = Ensemble(members=members)

    def watch(self, footage: Footage) -> tuple[Watched, ...]:  # type: ignore[override]
        """What each member is to describe."""
        return tuple(member.watch(footage) for member in self.ensemble.members)  # type: ignore[operator]

    def encode(self, source: tuple[Watched, ...]) -> tuple[EnsembleState, tuple[Any, ...]]:
        """State and memories of watched videos."""
        return self.ensemble.encode_each(source)

    def step(
        self, tokens: Tensor, state: EnsembleState, memory: tuple[Any, ...]
    ) -> tuple[Tensor, EnsembleState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        return self.ensemble.step(tokens, state, memory)

    def forward(
        self, source: tuple[Watched, ...], tokens: Tensor, lengths: Tensor
    ) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1]."""
        return self.ensemble.forward_each(source, tokens, lengths)


class JointBackbone(Backbone):
    """The feature maps of several backbones one upon the other.

    Args:
        parts: backbones of one stride, at least one; each normalises images for itself.

    Raises:
        ValueError: their strides differ.
    """

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def __init__(self, *, parts: Sequence[Backbone]) -> None:
        super().__init__()
        strides = [part.stride for part in parts]
        if len(set(strides)) > 1:
            listed = ", ".join(map(str, strides))
            raise ValueError(f"a location of their feature maps covers {listed} pixels")
        self.parts = nn.ModuleList(parts)
        self.channels = sum(part.channels for part in parts)
        self.stride = strides[0]
        self.frozen = all(part.frozen for part in parts)

    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D_1 + ... + D_M, h, w] of images [B, 3, height, width]."""
        return torch.cat([part(images) for part in self.parts], dim=1)

    def fingerprint(self) -> str:
        """Made of those of the parts, in their order."""
        names = [part.fingerprint() for part in self.parts]  # type: ignore[operator]
        return hashlib.sha256("\n".join(names).encode()).hexdigest()


def log_mean(log_probabilities: Sequence[Tensor]) -> Tensor:
    """Logarithm of the mean of the probabilities [..., V] whose logarithms are given."""
    return torch.stack(list(log_probabilities)).logsumexp(dim=0) - math.log(len(log_probabilities))


def _state(states: Sequence[Any]) -> EnsembleState:
    weights = [getattr(state, "weights", None) for state in states]
    return EnsembleState(tuple(states), _mean(weights))


def _mean(weights: Sequence[Tensor | None]) -> Tensor | None:
    """Mean of weights [..., L]; None where a member has none."""
    there = [each for each in weights if each is not None]
    return torch.stack(there).mean(dim=0) if len(there) == len(weights) else None
