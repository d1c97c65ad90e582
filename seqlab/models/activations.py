"""What a layer of a network gives, one vector for each input."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn


class LayerReader:
    """Reads a named module of a network while it runs.

    What the module gives is taken as it is: after a nonlinearity where that is part of the module,
    as of fc6 of C3D.

    Args:
        model: the network; it is put into evaluation.
        layer: name of a module, as `named_modules` has it.
        maps: `whole` keeps every number; `mean` averages a layer [B, D, ...] over its places and
            one [B, T, D] over its steps.
        run: what of the network is run on inputs; None for all of it.

    Raises:
        KeyError: there is no such module.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        *,
        maps: Literal["whole", "mean"],
        run: Callable[[Tensor], Any] | None = None,
    ) -> None:
        modules = dict(model.named_modules())
        if not layer or layer not in modules:
            raise KeyError(layer)
        self.model, self.layer, self.maps = model.eval(), layer, maps
        self.run = run or model
        self._read: list[Tensor] = []
        modules[layer].register_forward_hook(self._take)

    @torch.inference_mode()
    def __call__(self, inputs: Tensor) -> Tensor:
        """Vectors [B, D] of B inputs.

        Raises:
            ValueError: the layer gives no tensor, runs several times or not at all, or what it
                gives does not belong to the inputs.
        """
        self._read = []
        self.run(inputs)
        if len(self._read) != 1:
            raise ValueError(f"{self.layer} runs {len(self._read)} times for an input, not once")
        given = self._read[0]
        if not given.ndim or len(given) % len(inputs):
            raise ValueError(f"{self.layer} gives {tuple(given.shape)} for {len(inputs)} inputs")
        vectors = self._flat(given)  # [B * frames, D]
        return vectors.unflatten(0, (len(inputs), -1)).mean(1)  # [B, D], the mean over frames

    def _take(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor):
            raise ValueError(f"{self.layer} gives a {type(output).__name__}, which is no tensor")
        self._read.append(output.float().clone())  # what follows may change it in place

    def _flat(self, given: Tensor) -> Tensor:
        """[N, D] of what the layer gave."""
        if self.maps == "mean" and given.ndim == 3:
            return given.mean(1)
        if self.maps == "mean" and given.ndim > 3:
            return given.flatten(2).mean(2)
        return given.flatten(1) if given.ndim > 1 else given.unsqueeze(1)
