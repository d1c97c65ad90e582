"""Products of rows with several sets of weights, quick for few rows too."""

import torch
from torch import Tensor

ROWS_HINT = 64  # what weights are laid out for; good for any other number of rows


class Products:
    """x W^T + b with several sets of weights.

    In each product the library lays the weights out anew, which for a few rows costs more than the
    arithmetic. On a CPU oneDNN takes weights that were laid out before, as compiled models do it.

    Args:
        weight: W of U sets, [U, G, K].
        bias: b, [U, G]; None for none.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias
        self.can_lay_out = (
            weight.device.type == "cpu"
            and weight.dtype == torch.float32
            and torch.backends.mkldnn.is_available()
            and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        )
        self.laid_out: dict[int, Tensor] = {}

    def __call__(self, inputs: Tensor, first_set: int, out: Tensor | None = None) -> Tensor:
        """Products [A, rows, G] of inputs [A, rows, K] with A sets of weights in a row."""
        num_sets, num_rows, _ = inputs.shape
        if not self.can_lay_out:
            sets = slice(first_set, first_set + num_sets)
            weight = self.weight[sets].transpose(1, 2)  # [A, K, G]
            if self.bias is None:
                return torch.bmm(inputs, weight, out=out)
            return torch.baddbmm(self.bias[sets].unsqueeze(1), inputs, weight, out=out)
        if out is None and num_sets == 1:
            return self.by_one(inputs[0], first_set).unsqueeze(0)
        if out is None:
            out = inputs.new_empty(num_sets, num_rows, self.weight.shape[1])
        for at, rows in enumerate(inputs):
            out[at] = self.by_one(rows, first_set + at)
        return out

    def by_one(self, inputs: Tensor, number: int) -> Tensor:
        """Products [rows, G] of inputs [rows, K] with one set of weights."""
        if number not in self.laid_out:
            weight = self.weight[number].contiguous()  # [G, K]
            self.laid_out[number] = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS_HINT)
        bias = None if self.bias is None else self.bias[number]  # [G]
        return torch.ops.mkldnn._linear_pointwise(
            inputs, self.laid_out[number], bias, "none", [], ""
        )
