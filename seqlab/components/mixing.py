"""Between two tensors, in mixed precision too."""

import torch
from torch import Tensor


def mix(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """(1 - share) one + share other, in the widest type of the three.

    torch.lerp takes tensors of one type alone, and under autocast a product is of half precision
    where the state that it is to be mixed with is not.
    """
    if not one.dtype == other.dtype == share.dtype:
        kind = torch.promote_types(torch.promote_types(one.dtype, other.dtype), share.dtype)
        one, other, share = one.to(kind), other.to(kind), share.to(kind)
    return torch.lerp(one, other, share)
