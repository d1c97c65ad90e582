"""Maps over states and memories: nested NamedTuples of tensors (or None), batch first."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def map_tensors(function: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The same tree with `function` applied to each tensor.

    Raises:
        TypeError: if a leaf is neither a tensor nor None.
    """
    if tree is None:
        return None
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, tuple):
        parts = [map_tensors(function, part) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    raise TypeError(f"a state or memory holds tensors, tuples and None, not {type(tree).__name__}")


def tensors(tree: Any) -> Iterator[Tensor]:
    """The tensors of a tree, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple):
        for part in tree:
            yield from tensors(part)


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
