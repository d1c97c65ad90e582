"""What a search does to states and memories: it repeats, reorders and measures them."""

from typing import Any

from torch import Tensor

from seqlab.components.tree import map_tensors, tensors


def repeat(tree: Any, times: int) -> Any:
    """Each row `times` times in succession: [B, ...] to [B * times, ...]."""
    if times == 1:
        return tree
    return map_tensors(lambda tensor: tensor.repeat_interleave(times, dim=0), tree)


def select(tree: Any, rows: Tensor) -> Any:
    """The rows [M] of every tensor, in that order: [N, ...] to [M, ...]."""
    return map_tensors(lambda tensor: tensor.index_select(0, rows), tree)


def first_tensor(state: Any, memory: Any) -> Tensor:
    """A tensor that tells the batch size and the device of a search.

    Raises:
        ValueError: if neither state nor memory holds a tensor.
    """
    tensor = next(tensors((state, memory)), None)
    if tensor is None:
        raise ValueError("state and memory hold no tensor, so the batch size is unknown")
    return tensor
