"""Runs torch's fused recurrent kernels on explicit state, with padding left out."""

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlab.components.init import Initialisation, init_matrices


def run_kernel(
    rnn: nn.RNNBase, inputs: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """All steps of a one-layer kernel.

    Args:
        rnn: an `nn.LSTM`, `nn.GRU` or `nn.RNN` with `batch_first`.
        inputs: [B, T, E].
        state: the fields of the first state, each [B, H].
        lengths: real inputs of each row, [B], each at least 1; None where all are real.

    Returns:
        Outputs [B, T, H], 0 beyond the lengths, and the fields of each row's last real state.
    """
    first = tuple(field.unsqueeze(0).contiguous() for field in state)  # each [1, B, H]
    initial = first if len(first) > 1 else first[0]
    if lengths is None:
        outputs, last = rnn(inputs, initial)  # [B, T, H]
    else:
        packed = pack_padded_sequence(
            inputs, lengths.cpu(), batch_first=True, enforce_sorted=False
        )  # the kernels take lengths from the host
        outputs, last = rnn(packed, initial)
        outputs, _ = pad_packed_sequence(
            outputs, batch_first=True, total_length=inputs.shape[1]
        )  # [B, T, H]
    fields = (last,) if isinstance(last, Tensor) else last
    return outputs, tuple(field.squeeze(0) for field in fields)


def init_kernel(rnn: nn.RNNBase, initialisation: Initialisation, scale: float | None) -> None:
    """Draw each gate's matrices of a one-layer kernel, and start its biases at 0."""
    init_matrices(
        recurrent=rnn.weight_hh_l0.split(rnn.hidden_size),  # each [H, H]
        inputs=rnn.weight_ih_l0.split(rnn.hidden_size),  # each [H, E]
        initialisation=initialisation,
        scale=scale,
    )
    nn.init.zeros_(rnn.bias_ih_l0)
    nn.init.zeros_(rnn.bias_hh_l0)
