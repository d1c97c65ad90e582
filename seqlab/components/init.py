"""How the matrices of a recurrence start."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

Initialisation = Literal["orthogonal", "xavier_uniform", "uniform", "normal", "identity"]

# What `initial_scale: null` means. 0.08 is that of Sutskever et al. (2014), section 3.4; 0.01 that
# of Bahdanau et al. (2015), appendix B.1.
USUAL_SCALE: dict[str, float] = {
    "orthogonal": 1.0,
    "xavier_uniform": 1.0,
    "uniform": 0.08,
    "normal": 0.01,
    "identity": 1.0,
}


def init_matrices(
    *,
    recurrent: Iterable[Tensor],
    inputs: Iterable[Tensor],
    initialisation: Initialisation,
    scale: float | None,
) -> None:
    """Draw the matrices of a cell, those of each gate by themselves.

    - `orthogonal` (Saxe et al., 2014): neither shrinks nor grows a state over steps;
    - `identity` (Le et al., 2015): a rectified state stays as it is. Both are for the recurrent
      matrices and leave those of the inputs as they are.
    - `xavier_uniform` (Glorot and Bengio, 2010), `uniform` and `normal`: for all.

    Args:
        recurrent: matrices [H, H] of the hidden state.
        inputs: matrices [H, E] of the inputs.
        initialisation: one of the above.
        scale: what an orthogonal, an identity or a Xavier matrix is multiplied by, the bound of a
            uniform and the standard deviation of a normal distribution; None for the usual one.

    Raises:
        ValueError: there is no such initialisation.
    """
    if initialisation not in USUAL_SCALE:
        known = ", ".join(USUAL_SCALE)
        raise ValueError(f"initialisation={initialisation!r} is none of {known}")
    scale = USUAL_SCALE[initialisation] if scale is None else scale
    with torch.no_grad():
        for matrix in recurrent:
            _draw(matrix, initialisation, scale)
        if initialisation not in ("orthogonal", "identity"):
            for matrix in inputs:
                _draw(matrix, initialisation, scale)


def _draw(matrix: Tensor, initialisation: Initialisation, scale: float) -> None:
    if initialisation == "orthogonal":
        nn.init.orthogonal_(matrix, gain=scale)
    elif initialisation == "identity":
        nn.init.eye_(matrix).mul_(scale)
    elif initialisation == "xavier_uniform":
        nn.init.xavier_uniform_(matrix, gain=scale)
    elif initialisation == "uniform":
        nn.init.uniform_(matrix, -scale, scale)
    else:
        nn.init.normal_(matrix, std=scale)
