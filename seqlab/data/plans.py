"""In which order examples are seen: pure functions of seed and epoch, so that a run can resume."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Plan(Protocol):
    """What goes together into a batch."""

    def batches(self, epoch: int) -> list[list[int]]:
        """Indices of the examples of each batch; each once, and as many batches every epoch."""
        ...


class LengthBuckets:
    """Captions of like length together, so that little is padding; chance otherwise.

    Args:
        lengths: words of each caption.
        batch_size: captions per batch.
        seed: what the order is a function of, together with the epoch.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed

    def batches(self, epoch: int) -> list[list[int]]:
        """Batches of captions whose lengths are neighbours, in an order by chance."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self.lengths))
        # Stable: among captions of one length the chance above decides who meets whom.
        order = order[np.argsort(self.lengths[order], kind="stable")]
        starts = np.arange(0, len(order), self.batch_size)
        return [order[n : n + self.batch_size].tolist() for n in generator.permutation(starts)]


class ByImage:
    """All captions of an image together, so that it is encoded once; the images in order of chance.

    Args:
        image_index: which image each caption describes; captions of one image are neighbours.
        batch_size: captions per batch at most, though an image's are never parted.
        seed: what the order is a function of, together with the epoch.
    """

    def __init__(self, image_index: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.groups = _groups(image_index)
        self.batch_size = batch_size
        self.seed = seed

    def batches(self, epoch: int) -> list[list[int]]:
        """Batches of whole images."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.groups))
        return _pack([self.groups[n] for n in order], self.batch_size)


class Sequential:
    """All captions of an image together, the images as they are listed: for evaluation.

    Args:
        image_index: which image each caption describes; captions of one image are neighbours.
        batch_size: captions per batch at most, though an image's are never parted.
    """

    def __init__(self, image_index: Sequence[int], *, batch_size: int) -> None:
        self._batches = _pack(_groups(image_index), batch_size)

    def batches(self, epoch: int) -> list[list[int]]:
        """The same in every epoch."""
        return self._batches


def _groups(image_index: Sequence[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for caption, image in enumerate(image_index):
        groups.setdefault(image, []).append(caption)
    return list(groups.values())


def _pack(groups: Sequence[list[int]], batch_size: int) -> list[list[int]]:
    """As many groups in every batch, so that the number of batches is the same for any order."""
    if not groups:
        return []
    together = max(1, batch_size // max(map(len, groups)))
    return [
        [index for group in groups[n : n + together] for index in group]
        for n in range(0, len(groups), together)
    ]


class TokenBuckets:
    """Sentence pairs of like length together, as many as hold a number of tokens; chance otherwise.

    The pairs are sorted by target length and, among equals, by source length, rising and falling in
    turn so that neighbours are alike at the seams too. Where batches are cut depends on the lengths
    alone, so their number is the same in every epoch; chance decides who takes which of the places
    that are of one length on both sides, and in which order the batches come.

    Args:
        source_lengths: tokens and end of each source.
        target_lengths: tokens and end of each target.
        batch_tokens: most tokens of a batch on either side, padding included; a pair that is longer
            by itself gets a batch of its own.
        seed: what the order is a function of, together with the epoch.
    """

    def __init__(
        self,
        source_lengths: Sequence[int],
        target_lengths: Sequence[int],
        *,
        batch_tokens: int,
        seed: int,
    ) -> None:
        self.target = np.asarray(target_lengths, dtype=np.int64)
        source = np.asarray(source_lengths, dtype=np.int64)
        self.turned_source = np.where(self.target % 2 == 0, source, -source)
        self.seed = seed
        order = np.lexsort((self.turned_source, self.target))
        self.cuts = _cut(np.maximum(source, self.target)[order], batch_tokens)

    def batches(self, epoch: int) -> list[list[int]]:
        """Batches of pairs whose lengths are neighbours, in an order by chance."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(self.target))
        # Stable: among pairs of one length the chance above decides who meets whom.
        order = order[np.lexsort((self.turned_source[order], self.target[order]))]
        batches = [part.tolist() for part in np.split(order, self.cuts)] if len(order) else []
        return [batches[n] for n in generator.permutation(len(batches))]


class SortedTokens:
    """Sentence pairs in the order of their lengths, the longest first: for evaluation.

    Args:
        source_lengths: tokens and end of each source.
        target_lengths: tokens and end of each target.
        batch_tokens: most tokens of a batch on either side, padding included; a pair that is longer
            by itself gets a batch of its own.
    """

    def __init__(
        self, source_lengths: Sequence[int], target_lengths: Sequence[int], *, batch_tokens: int
    ) -> None:
        source = np.asarray(source_lengths, dtype=np.int64)
        target = np.asarray(target_lengths, dtype=np.int64)
        order = np.lexsort((-target, -source))
        cuts = _cut(np.maximum(source, target)[order], batch_tokens)
        self._batches = [part.tolist() for part in np.split(order, cuts)] if len(order) else []

    def batches(self, epoch: int) -> list[list[int]]:
        """The same in every epoch."""
        return self._batches


class EqualSizes:
    """Images of one size together, so that none is padded: for evaluation.

    Args:
        sizes: height and width of each image.
        batch_size: images per batch at most.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]], *, batch_size: int) -> None:
        groups: dict[tuple[int, int], list[int]] = {}
        for index, size in enumerate(sizes):
            groups.setdefault(size, []).append(index)
        self._batches = [
            group[n : n + batch_size]
            for group in groups.values()
            for n in range(0, len(group), batch_size)
        ]

    def batches(self, epoch: int) -> list[list[int]]:
        """The same in every epoch."""
        return self._batches


def _cut(lengths: NDArray[np.int64], batch_tokens: int) -> list[int]:
    """Where a sequence is cut, so that a part's size times its greatest length stays in bounds."""
    cuts: list[int] = []
    start = longest = 0
    for index, length in enumerate(lengths.tolist()):
        longest = max(longest, length)
        if index > start and longest * (index + 1 - start) > batch_tokens:
            cuts.append(index)
            start, longest = index, length
    return cuts


class FactBuckets:
    """Questions about like numbers of facts together, so that little is padding; chance otherwise.

    Args:
        num_facts: facts before each question.
        bounds: most facts of the questions of each bucket, rising; those with more than the last
            are a bucket too.
        batch_size: questions per batch.
        seed: what the order is a function of, together with the epoch.
    """

    def __init__(
        self, num_facts: Sequence[int], *, bounds: Sequence[int], batch_size: int, seed: int
    ) -> None:
        bucket = np.searchsorted(np.asarray(bounds, np.int64), np.asarray(num_facts, np.int64))
        self.buckets = [np.flatnonzero(bucket == n) for n in np.unique(bucket)]
        self.batch_size = batch_size
        self.seed = seed

    def batches(self, epoch: int) -> list[list[int]]:
        """Batches within the buckets, in an order by chance."""
        generator = np.random.default_rng([self.seed, epoch])
        batches: list[list[int]] = []
        for bucket in self.buckets:
            order = generator.permutation(bucket).tolist()
            starts = range(0, len(order), self.batch_size)
            batches += [order[n : n + self.batch_size] for n in starts]
        return [batches[n] for n in generator.permutation(len(batches))]
