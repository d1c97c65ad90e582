"""A hash of a module's architecture and weights."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


def fingerprint(module: nn.Module, description: Mapping[str, Any]) -> str:
    """SHA-256 in hexadecimal.

    Args:
        module: whose state dict counts, name by name and byte by byte.
        description: what else its output depends on; JSON values.
    """
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name, tensor in sorted(module.state_dict().items()):
        if name.endswith("num_batches_tracked"):  # changes in training, and no output with it
            continue
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
