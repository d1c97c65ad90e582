"""Captions that need no model: what a captioning model has to beat on real photographs."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqlab.metrics.captioning import simple_tokenise

_BLOCK = 1024  # queries compared at once: bounds the table of similarities


def most_frequent_caption(captions: Sequence[str]) -> str:
    """The training caption written most often, case and punctuation aside; of equals the first.

    Raises:
        ValueError: there is no caption.
    """
    if not captions:
        raise ValueError("there is no training caption to choose from")
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for caption in captions:
        words = simple_tokenise(caption)
        first.setdefault(words, caption)
        counts[words] += 1
    return first[counts.most_common(1)[0][0]]  # equals come in the order of their first mention


def nearest_captions(
    train_features: NDArray[np.floating],
    train_captions: Sequence[str],
    features: NDArray[np.floating],
) -> list[str]:
    """For each image the caption of the training image nearest by the cosine of their features.

    Args:
        train_features: pooled features of the training images, [N, D].
        train_captions: one caption for each of them, N.
        features: pooled features of the images to describe, [M, D].

    Raises:
        ValueError: the sizes differ, or there is no training image.
    """
    if len(train_features) != len(train_captions) or not len(train_captions):
        raise ValueError(
            f"{len(train_features)} training images and {len(train_captions)} captions: there must "
            "be one caption for each, and at least one"
        )
    if train_features.shape[1] != features.shape[1]:
        raise ValueError(
            f"training features have {train_features.shape[1]} numbers, the others "
            f"{features.shape[1]}"
        )
    known = _unit(train_features)
    nearest: list[int] = []
    for start in range(0, len(features), _BLOCK):
        similarity = _unit(features[start : start + _BLOCK]) @ known.T  # [<= _BLOCK, N]
        nearest.extend(similarity.argmax(axis=1).tolist())
    return [train_captions[index] for index in nearest]


def _unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays."""
    features = features.astype(np.float32)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(norms, np.finfo(np.float32).tiny)
