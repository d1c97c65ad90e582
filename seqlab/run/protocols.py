"""Which examples a probe learns from, and which test it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.components.probes.interface import MissingLibraryError

Labels = NDArray[np.int64]

LEAVE_ONE_OUT, PAIRS = "leave_one_out", "pairs"


class Round(NamedTuple):
    """One division of the examples."""

    fitted: NDArray[np.int64]  # numbers of those that are learned from
    tested: NDArray[np.int64]
    validation: NDArray[np.bool_] | None  # of `fitted`, which choose; None: none in particular


def rounds(
    protocol: str,
    labels: Labels,
    splits: list[str],
    *,
    num_folds: int,
    test_share: float,
    seed: int,
) -> list[Round]:
    """The divisions of a protocol.

    Args:
        protocol: `splits`, `folds`, `random`, `leave_one_out` or `pairs`.
        labels: classes [N].
        splits: of each example, `train`, `val` or `test`; of pairs the name of their fold.
        num_folds: of `folds` and `random`.
        test_share: of `random`.
        seed: of what is drawn.

    Raises:
        ValueError: there are too few examples for it.
    """
    try:
        from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
    except ImportError as error:
        raise MissingLibraryError from error
    everything = np.arange(len(labels))
    if protocol == "splits":
        split = np.array(splits)
        fitted, tested = np.flatnonzero(split != "test"), np.flatnonzero(split == "test")
        if not len(tested) or not (split == "train").any():
            raise ValueError("needs examples of the splits train and test")
        return [Round(fitted, tested, split[fitted] == "val")]
    if protocol == PAIRS:
        fold = np.array(splits)
        tests = [fold == name for name in dict.fromkeys(splits)]
        if len(tests) < 2 or any(len(np.unique(labels[test])) < 2 for test in tests):
            raise ValueError("needs two folds or more, each with pairs that are the same and not")
        return [Round(np.flatnonzero(~test), np.flatnonzero(test), None) for test in tests]
    if protocol == LEAVE_ONE_OUT:
        return [Round(np.delete(everything, at), everything[[at]], None) for at in everything]
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if protocol == "folds":
        if fewest < num_folds:
            raise ValueError(f"a class has {fewest} examples, fewer than num_folds={num_folds}")
        folds = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
        return [Round(fitted, tested, None) for fitted, tested in folds.split(everything, labels)]
    shuffles = StratifiedShuffleSplit(num_folds, test_size=test_share, random_state=seed)
    drawn = shuffles.split(everything, labels)
    return [Round(fitted, tested, None) for fitted, tested in drawn]
