"""How heads find their places in a memory and what they do there; Graves et al. (2014), 3.

Each formula is a function. Letters beside the legend: N slots of size M; K heads, of which R read
and W write.
"""

from typing import Literal

import torch
from torch import Tensor

Similarity = Literal["cosine", "dot"]

# Under the root of every norm, as in the published code of Graves et al. (2016): a slot of zeros
# then resembles nothing, and no gradient of 1 / |v| v is larger than 1 / sqrt(1e-6).
NORM_EPSILON = 1e-6
# Beside every weighting in a logarithm. It is lost in a weight that any head would notice.
WEIGHT_EPSILON = 1e-16


def inverse_norm(vectors: Tensor) -> Tensor:
    """1 / |v| of vectors [B, ?, M], as [B, ?, 1]."""
    return vectors.square().sum(dim=2, keepdim=True).add(NORM_EPSILON).rsqrt()  # [B, ?, 1]


def content_weighting(
    keys: Tensor, strengths: Tensor, memory: Tensor, similarity: Similarity
) -> Tensor:
    """Where the memory resembles the keys: softmax of beta S[k, M(i)]; equations 5 and 6.

    S is the cosine (u . v) / (|u| |v|), or the inner product alone.

    Args:
        keys: what is looked for, k, [B, K, M].
        strengths: how sharply, beta, [B, K, 1].
        memory: [B, N, M].
        similarity: S.

    Returns:
        Weightings [B, K, N].
    """
    if similarity == "dot":
        return torch.bmm(keys * strengths, memory.mT).softmax(dim=2)  # [B, K, N]
    keys = keys * (strengths * inverse_norm(keys))  # [B, K, M], of length beta
    return torch.bmm(keys, memory.mT).mul(inverse_norm(memory).mT).softmax(dim=2)  # [B, K, N]


def interpolate(content: Tensor, previous: Tensor, gate: Tensor) -> Tensor:
    """By content or as before: g w_c + (1 - g) w_(t-1); equation 7.

    Args:
        content: w_c, [B, K, N].
        previous: weightings of the last step, [B, K, N].
        gate: g, 0 to 1, [B, K, 1].
    """
    return torch.lerp(previous, content, gate)  # [B, K, N]


def circular_shift(weighting: Tensor, shift: Tensor) -> Tensor:
    """Circular convolution: w~(i) = sum_j w(j) s(i - j), indices modulo N; equation 8.

    All weight on an offset of +1 moves the focus from slot i to i + 1.

    Args:
        weighting: [B, K, N].
        shift: s, share of each offset from -r to r, [B, K, 2r + 1].
    """
    reach = shift.shape[2] // 2
    shares = shift.split(1, dim=2)  # [B, K, 1] each
    moved = weighting * shares[reach]  # [B, K, N]
    for offset in range(1, reach + 1):
        for sign in (-1, 1):
            rolled = weighting.roll(sign * offset, dims=2)  # [B, K, N]
            moved = torch.addcmul(moved, rolled, shares[reach + sign * offset])  # [B, K, N]
    return moved


def sharpen(weighting: Tensor, gamma: Tensor) -> Tensor:
    """w(i)^gamma / sum_j w(j)^gamma; equation 9.

    Taken as the softmax of gamma log(w): neither a weight of 0 nor a large gamma makes a power or a
    gradient that is not finite, and the sum is never 0.

    Args:
        weighting: [B, K, N], not below 0.
        gamma: at least 1, [B, K, 1].
    """
    return (gamma * torch.log(weighting + WEIGHT_EPSILON)).softmax(dim=2)  # [B, K, N]


def write(memory: Tensor, weightings: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """M(i) prod_w [1 - w(i) e_w] + sum_w w(i) a_w: all erase, then all add; equations 3, 4.

    Args:
        memory: [B, N, M].
        weightings: [B, W, N].
        erase: e, 0 to 1, [B, W, M].
        add: a, [B, W, M].
    """
    one = memory.new_ones(1, 1, 1)
    for w, e in zip(weightings.split(1, dim=1), erase.split(1, dim=1), strict=True):
        memory = memory * torch.baddbmm(one, w.mT, e, alpha=-1)  # [B, N, M], 1 - w(i) e
    return torch.baddbmm(memory, weightings.mT, add)  # [B, N, M]


def read(memory: Tensor, weightings: Tensor) -> Tensor:
    """sum_i w(i) M(i); equation 2.

    Args:
        memory: [B, N, M].
        weightings: [B, R, N].

    Returns:
        Vectors [B, R, M].
    """
    return torch.bmm(weightings, memory)  # [B, R, M]
