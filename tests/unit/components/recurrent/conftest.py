"""What the tests of several recurrent parts read."""

import pytest
import torch
from torch import Tensor

from tests.unit.components.recurrent.kernel_cells import BATCH, INPUT, STEPS


@pytest.fixture
def inputs() -> Tensor:
    """Inputs [B, T, E]."""
    return torch.randn(BATCH, STEPS, INPUT, generator=torch.Generator().manual_seed(5)).double()
