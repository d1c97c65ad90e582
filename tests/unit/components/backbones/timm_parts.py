"""A small timm backbone for the tests of what one does and of its weights."""

from typing import Any

import torch

from seqlab.components.backbones.timm import TimmBackbone


def settings(**changes: Any) -> dict[str, Any]:
    """Every argument of a frozen test_resnet, but for the changes."""
    return {
        "name": "test_resnet",
        "weights": None,
        "out_index": -1,
        "train": "none",
        "num_trained_stages": 1,
        "mean": None,
        "std": None,
        "options": {},
        **changes,
    }


def build(**changes: Any) -> TimmBackbone:
    """A backbone with the random weights of seed 0."""
    torch.manual_seed(0)
    return TimmBackbone(**settings(**changes))
