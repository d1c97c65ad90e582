"""Text in the state of a metric: processes exchange tensors, so rows travel as bytes."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


def add_text_state(metric: Metric, name: str) -> None:
    """Give a metric a state that gathers rows of text over processes.

    Args:
        metric: of which no other state is of a floating type.
        name: of the state, a list of tensors as `pack` makes them.
    """
    metric.add_state(name, default=[], dist_reduce_fx="cat")
    metric.set_dtype(torch.uint8)  # so that a process without rows joins in with empty bytes


def pack(rows: Iterable[Any], device: torch.device) -> list[Tensor]:
    """Rows as lines of JSON in one tensor of bytes; an empty list without rows."""
    text = bytearray("".join(json.dumps(row) + "\n" for row in rows).encode("ascii"))
    return [torch.frombuffer(text, dtype=torch.uint8).to(device)] if text else []


def unpack(state: Sequence[Tensor] | Tensor) -> list[Any]:
    """The rows of all the tensors of a state, lists in place of tuples."""
    blob = dim_zero_cat(state) if len(state) else torch.zeros(0)
    return [json.loads(line) for line in bytes(blob.to("cpu", torch.uint8).numpy()).splitlines()]
