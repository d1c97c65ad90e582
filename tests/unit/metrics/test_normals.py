"""Scores of normals against NumPy, over batches of several sizes."""

import numpy as np
import pytest
import torch

from seqlab.components.directions import unit
from seqlab.metrics.normals import BIN, NormalScores


def test_equal_to_numpy() -> None:
    torch.manual_seed(0)
    metric, errors = NormalScores(), []
    for size in ((2, 3, 150, 200), (1, 3, 40, 500)):
        normals = unit(torch.randn(size))
        found = unit(normals + 0.6 * torch.rand(size[0], 1, *size[2:]) * torch.randn(size))
        normals[:, :, :3] = 0
        metric.update(found, normals)
        cosines = (found.double() * normals.double()).sum(dim=1).numpy().clip(-1, 1)
        errors.append(np.degrees(np.arccos(cosines))[normals.any(dim=1).numpy()])
    true = np.concatenate(errors)
    scores = {name: float(value) for name, value in metric.compute().items()}
    assert scores["mean_error"] == pytest.approx(true.mean(), rel=1e-5)
    assert scores["median_error"] == pytest.approx(np.median(true), abs=BIN)
    assert scores["rmse"] == pytest.approx(np.sqrt((true**2).mean()), rel=1e-5)
    for name, limit in {"within_11": 11.25, "within_22": 22.5, "within_30": 30}.items():
        assert 0.1 < (true < limit).mean() < 0.95
        assert scores[name] == pytest.approx((true < limit).mean(), rel=1e-6)
    degrees, shares = metric.curve()
    assert shares[-1] == 1
    assert float(shares[degrees >= 40][0]) == pytest.approx((true <= 40).mean(), abs=2e-3)


def test_opposite_directions_are_180_degrees_apart() -> None:
    metric = NormalScores()
    up = torch.tensor([0.0, -1.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    metric.update(-up, up)
    scores = metric.compute()
    assert float(scores["mean_error"]) == 180
    assert float(scores["median_error"]) == pytest.approx(180, abs=BIN)
    assert float(scores["within_30"]) == 0


def test_nothing_known_is_no_number() -> None:
    metric = NormalScores()
    metric.update(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2))
    assert all(value.isnan() for value in metric.compute().values())
