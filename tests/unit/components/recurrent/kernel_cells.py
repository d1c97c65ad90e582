"""Cells of which torch has deep and bidirectional modules, and small sizes to run both at."""

import torch
from torch import nn

from tests.unit.components.recurrent.cells import PLAIN, Factory

BATCH, STEPS, INPUT, HIDDEN = 4, 6, 3, 5
LENGTHS = torch.tensor([3, 6, 1, 4])
CELLS: dict[str, Factory] = {
    "lstm": PLAIN["lstm"],
    "gru_before": PLAIN["gru_before"],
    "gru_after": PLAIN["gru_after"],
    "elman": PLAIN["elman_tanh"],
}
TORCH: dict[str, type[nn.RNNBase]] = {"lstm": nn.LSTM, "gru_after": nn.GRU, "elman": nn.RNN}
