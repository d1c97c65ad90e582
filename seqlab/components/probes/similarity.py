"""How alike two feature vectors are, in twelve ways.

Kliper-Gross et al. (2012) tell pairs of the same action by twelve distances and similarities, and
Tran et al. (2015), section 5, by the same twelve for each of several layers. The twelve below are
our choice of what is in use to compare histograms: they were not checked against those of the
papers, so that numbers compare with theirs only roughly.

None of them is ever NaN. Those that want histograms (a root, a logarithm, a ratio of their sum) get
a vector's positive part and its negative part side by side, [P, 2D], which changes nothing where no
value is negative; where both vectors are 0 in a place, the place adds nothing.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Measure = Callable[[Matrix, Matrix], NDArray[np.float64]]

EVEN = 0.01  # of the mass of a distribution, spread evenly, so that a logarithm has no 0


def inner_product(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of x y."""
    return np.einsum("pd,pd->p", x, y)


def root_inner_product(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Root of the sum of x y, which keeps its sign."""
    product = inner_product(x, y)  # [P]
    return np.sign(product) * np.sqrt(np.abs(product))


def cosine(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of x y over the product of the lengths; 0 where one has none."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)  # [P]
    return _ratio(inner_product(x, y), lengths)


def euclidean(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Length of x - y."""
    return np.linalg.norm(x - y, axis=1)


def manhattan(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of |x - y|."""
    return np.abs(x - y).sum(1)


def root_bhattacharyya(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Root of the sum of the roots of x y."""
    return np.sqrt(np.sqrt(x * y).sum(1))


def chi_square(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of (x - y)^2 / (x + y)."""
    return _ratio((x - y) ** 2, x + y).sum(1)


def hellinger(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Length of the difference of the roots, over the root of 2."""
    return np.linalg.norm(np.sqrt(x) - np.sqrt(y), axis=1) / np.sqrt(2)


def intersection(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of the smaller of x and y."""
    return np.minimum(x, y).sum(1)


def min_over_max(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Sum of the smaller over the sum of the larger; 1 where both are 0 everywhere."""
    return _ratio(np.minimum(x, y).sum(1), np.maximum(x, y).sum(1), otherwise=1.0)


def symmetric_divergence(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Kullback and Leibler's divergence there and back, of both as distributions."""
    p, q = _distribution(x), _distribution(y)  # [P, 2D]
    return ((p - q) * np.log(p / q)).sum(1)


def jensen_shannon(x: Matrix, y: Matrix) -> NDArray[np.float64]:
    """Root of the mean divergence from the mean of both, as distributions."""
    p, q = _distribution(x), _distribution(y)  # [P, 2D]
    mean = (p + q) / 2
    divergence = (p * np.log(p / mean) + q * np.log(q / mean)).sum(1) / 2
    return np.sqrt(np.maximum(divergence, 0.0))  # rounding may leave less than 0 of equals


OF_VECTORS: tuple[Measure, ...] = (
    inner_product,
    root_inner_product,
    cosine,
    euclidean,
    manhattan,
)
OF_HISTOGRAMS: tuple[Measure, ...] = (
    root_bhattacharyya,
    chi_square,
    hellinger,
    intersection,
    min_over_max,
    symmetric_divergence,
    jensen_shannon,
)


def similarities(x: NDArray[np.floating], y: NDArray[np.floating]) -> Matrix:
    """All twelve of each pair of rows, [P, 12].

    Args:
        x: first vectors of the pairs, [P, D].
        y: second vectors, [P, D].
    """
    first, second = x.astype(np.float64), y.astype(np.float64)
    positive, other = _parts(first), _parts(second)  # [P, 2D]
    columns = [measure(first, second) for measure in OF_VECTORS]
    columns += [measure(positive, other) for measure in OF_HISTOGRAMS]
    return np.stack(columns, axis=1)


def _parts(vectors: Matrix) -> Matrix:
    """Positive and negative part side by side, [P, 2D]."""
    return np.concatenate([np.maximum(vectors, 0), np.maximum(-vectors, 0)], axis=1)


def _distribution(histograms: Matrix) -> Matrix:
    """Each row summing to 1, a little of it spread evenly; all of it where the row is 0."""
    total = histograms.sum(1, keepdims=True)  # [P, 1]
    even = 1 / histograms.shape[1]
    own = _ratio(histograms, np.broadcast_to(total, histograms.shape), otherwise=even)
    return (1 - EVEN) * own + EVEN * even


def _ratio(upper: Matrix, lower: Matrix, otherwise: float = 0.0) -> Matrix:
    """One over the other, and something else where the other is 0."""
    return np.divide(upper, lower, out=np.full(upper.shape, otherwise), where=lower > 0)
