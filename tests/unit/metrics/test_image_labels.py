"""Average precisions against values worked by hand and a library."""

import numpy as np
import pytest
import torch

from seqlab.metrics.image_labels import Classified, ImageScores, voc_average_precision


def test_eleven_points_worked_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    labels = np.array([1, 0, 1, 0, 1])
    # Recalls 1/3, 2/3 and 1 at the precisions 1, 2/3 and 3/5: of the eleven points four have the
    # first (0 to 0.3), three the second (0.4 to 0.6) and four the third.
    expected = (4 * 1 + 3 * 2 / 3 + 4 * 3 / 5) / 11
    assert voc_average_precision(scores, labels) == pytest.approx(expected)
    # From the last: 1 of 1, then 2 of 4 and 3 of 5, of which the better counts for both.
    turned = voc_average_precision(-scores, np.array([1, 1, 0, 0, 1]))
    assert turned == pytest.approx((4 * 1 + 7 * 3 / 5) / 11)


def test_equal_scores_have_no_order() -> None:
    labels = np.array([1, 0, 0, 1])
    for order in ([0, 1, 2, 3], [1, 2, 0, 3], [1, 2, 3, 0]):
        assert voc_average_precision(np.ones(4), labels[order]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="no image"):
        voc_average_precision(np.ones(4), np.zeros(4))


def test_what_does_not_count_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.random((40, 3)))
    labels = torch.from_numpy(rng.integers(0, 2, (40, 3)))
    labels[:, 2] = 0  # of a class that no image shows
    hidden = labels.clone()
    hidden[::4, 0] = -1
    plain, voc = Classified(scores, hidden).precisions()
    left = np.arange(40) % 4 != 0
    average_precision_score = pytest.importorskip("sklearn.metrics").average_precision_score
    for column, rows in ((0, left), (1, np.ones(40, bool))):
        own = scores[rows, column].numpy(), labels[rows, column].numpy()
        assert plain[column] == pytest.approx(average_precision_score(own[1], own[0]))
        assert voc[column] == pytest.approx(voc_average_precision(*own))
    assert np.isnan(plain[2])
    assert np.isnan(voc[2])
    found = Classified(scores, hidden).mean_precisions()
    assert found["map"] == pytest.approx(plain[:2].mean())
    assert found["voc_map"] == pytest.approx(voc[:2].mean())


def test_one_class_each() -> None:
    metric = ImageScores()
    right = torch.tensor([0, 1, 5, 3])
    for rows in (range(3), range(3, 4)):
        scores = torch.eye(7)[right[list(rows)]]
        metric.update(scores, torch.eye(7, dtype=torch.long)[[[0, 2, 5], [6]][len(rows) == 1]])
    found = metric.compute()
    assert found.accuracies()["accuracy"] == pytest.approx(2 / 4)
    assert found.confusion()[2, 1] == 1
    assert found.confusion().sum() == 4
