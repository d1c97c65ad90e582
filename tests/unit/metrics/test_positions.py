import numpy as np
import pytest
import torch

from seqlab.metrics.positions import PositionErrors


def test_errors_and_shares_of_variance_are_those_of_numpy() -> None:
    chance = np.random.default_rng(0)
    true = chance.uniform(-1, 1, (50, 2))
    said = 0.5 * true + chance.normal(0, 0.1, (50, 2))
    metric = PositionErrors()
    for rows in (slice(0, 20), slice(20, 50)):
        metric.update(torch.from_numpy(said[rows]), torch.from_numpy(true[rows]))
    found = {name: float(value) for name, value in metric.compute().items()}
    apart = said - true
    assert found["error"] == pytest.approx(np.sqrt((apart**2).sum(1)).mean())
    assert found["middle_error"] == pytest.approx(np.sqrt((true**2).sum(1)).mean())
    for axis, name in enumerate(("right", "down")):
        left = (apart[:, axis] ** 2).sum() / ((true[:, axis] - true[:, axis].mean()) ** 2).sum()
        assert found[f"error_{name}"] == pytest.approx(np.abs(apart[:, axis]).mean())
        assert found[f"r2_{name}"] == pytest.approx(1 - left)
