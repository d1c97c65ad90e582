"""How far what was written is from what an algorithm would have written."""

from math import log
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from seqlab.components.losses import output_nll

PER_DIFFICULTY = ("bit_errors", "token_accuracy", "accuracy")


def decide(logits: Tensor, *, bits: bool) -> Tensor:
    """The likeliest outputs: bits [B, T, O] of 0.0 and 1.0, or numbers of symbols [B, T]."""
    return (logits > 0).to(logits.dtype) if bits else logits.argmax(dim=2)


def wrong_outputs(outputs: Tensor, targets: Tensor, scored: Tensor) -> Tensor:
    """How many scored outputs of each sequence are wrong, [B].

    Args:
        outputs: as `decide` gives them.
        targets: of the same shape.
        scored: True where the outputs of a step count, [B, T].
    """
    wrong = outputs != targets  # [B, T, O] or [B, T]
    per_step = wrong.sum(dim=2) if wrong.dim() == 3 else wrong.long()  # [B, T]
    return per_step.masked_fill(~scored, 0).sum(dim=1)


class SequenceErrors(Metric):
    """Errors of sequences, in all and, where it is asked for, for each difficulty.

    - `loss`: nats per output, the mean over sequences of each one's mean;
    - `bits_per_sequence`: what it costs to be told the outputs, as Graves et al. (2014) plot it,
      and `optimal_bits_per_sequence` where no prediction can be certain;
    - `bit_errors`: wrong bits per sequence, where outputs are bits;
    - `token_accuracy`: share of the outputs, bits or symbols, that are right;
    - `accuracy`: share of the sequences without a wrong output.

    Args:
        bits: whether outputs are bits, or else symbols.
        by_difficulty: whether the last three, `PER_DIFFICULTY`, are also given for each difficulty,
            as in `bit_errors_100`.
    """

    is_differentiable = False
    full_state_update = False
    rows: Any

    def __init__(self, *, bits: bool, by_difficulty: bool) -> None:
        super().__init__()
        self.bits, self.by_difficulty = bits, by_difficulty
        # A row a sequence: difficulty, nats, outputs, wrong ones, bits of the best prediction.
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def update(
        self,
        logits: Tensor,
        targets: Tensor,
        scored: Tensor,
        difficulties: Tensor,
        optimal_bits: Tensor | None = None,
    ) -> None:
        """Count a batch.

        Args:
            logits: [B, T, O].
            targets: numbers of symbols, [B, T], or bits, [B, T, O].
            scored: True where the outputs of a step count, [B, T].
            difficulties: [B].
            optimal_bits: of the best possible prediction, [B].
        """
        nll, num_outputs = output_nll(logits, targets, scored)
        wrong = wrong_outputs(decide(logits, bits=self.bits), targets, scored)
        best = torch.full_like(nll, torch.nan) if optimal_bits is None else optimal_bits
        columns = (difficulties, nll, num_outputs, wrong, best)
        self.rows.append(torch.stack([column.double() for column in columns], dim=1))

    def compute(self) -> dict[str, Tensor]:
        """By name."""
        rows = dim_zero_cat(self.rows)  # [B, 5]
        difficulties, nll, num_outputs, _, optimal = rows.unbind(dim=1)
        values = {
            "loss": (nll / num_outputs).mean(),
            "bits_per_sequence": nll.mean() / log(2),
        }
        if not bool(optimal.isnan().any()):
            values["optimal_bits_per_sequence"] = optimal.mean()
        values |= self._errors(rows)
        for difficulty in difficulties.unique().tolist() if self.by_difficulty else ():
            own = self._errors(rows[difficulties == difficulty])
            values |= {f"{name}_{difficulty:.0f}": value for name, value in own.items()}
        return values

    def _errors(self, rows: Tensor) -> dict[str, Tensor]:
        _, _, num_outputs, wrong, _ = rows.unbind(dim=1)
        errors = {"bit_errors": wrong.mean()} if self.bits else {}
        return errors | {
            "token_accuracy": 1 - wrong.sum() / num_outputs.sum(),
            "accuracy": (wrong == 0).double().mean(),
        }
