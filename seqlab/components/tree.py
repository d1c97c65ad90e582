"""Maps over states and memories: nested NamedTuples of tensors (or None), batch first."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def map_tensors(function: Callable[..., Tensor], tree: Any, *others: Any) -> Any:
    """The same tree with `function` applied to each tensor.

    Args:
        function: gets a tensor of the tree, and those of the other trees at the same place.
        tree: tensors, tuples and None.
        others: trees of the same form.

    Raises:
        TypeError: if a leaf is neither a tensor nor None.
        ValueError: if a tree has more branches than another.
    """
    if tree is None:
        return None
    if isinstance(tree, Tensor):
        return function(tree, *others)
    if isinstance(tree, tuple):
        parts = [map_tensors(function, *same) for same in zip(tree, *others, strict=True)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    raise TypeError(f"a state or memory holds tensors, tuples and None, not {type(tree).__name__}")


def tensors(tree: Any) -> Iterator[Tensor]:
    """The tensors of a tree, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple):
        for part in tree:
            yield from tensors(part)
