"""Say where in its image a patch lies: finds out whether the lens gives it away."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from seqlab.data.batches import ContextBatch
from seqlab.data.context import ContextDataModule
from seqlab.data.spec import ContextSpec
from seqlab.metrics.positions import PositionErrors
from seqlab.models.interfaces import PatchLocator
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.viz.context import position_figure


class PatchPositionTask(Task):
    """Squared distance of the centre of a patch from where it is said to be.

    The control of Doersch et al. (2015), section 3.1: whatever is told of the place from left to
    right, which contents hardly tell, a lens has given away. With `data.cures.colour` against none
    it says what the cure cures.

    Args:
        model: says where a patch lies.
        spec: the size of a patch.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        num_figures: 0 for none; the one figure is of all patches.
    """

    interface: ClassVar = PatchLocator
    batch_type: ClassVar = ContextBatch
    monitor: ClassVar[str] = "val/error"
    mode: ClassVar[Literal["min", "max"]] = "min"

    def __init__(
        self,
        *,
        model: PatchLocator,
        spec: ContextSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        self.model: PatchLocator
        self.num_figures = num_figures
        self.scores = PositionErrors()
        self._centres: tuple[Tensor, Tensor] | None = None  # said and true, of the last evaluation

    @staticmethod
    def sizes(spec: ContextSpec) -> dict[str, Any]:
        return {}

    def example_ids(self, batch: ContextBatch) -> Sequence[str]:
        return tuple(dict.fromkeys(batch.image_ids))

    def batch_size(self, batch: ContextBatch) -> int:
        return len(batch.patches)

    def train_batch(self, batch: ContextBatch) -> Outcome:
        said = self.model(batch.patches).float()  # [N, 2]
        loss = F.mse_loss(said, batch.centres)
        return Outcome(loss, {"loss": loss})

    def _evaluate(self, batch: ContextBatch, batch_index: int) -> Tensor:
        """Score a batch; the centres [N, 2] that were said."""
        said = self.model(batch.patches).float()  # [N, 2]
        if not self.is_repeated(batch_index):
            self.scores.update(said, batch.centres)
        return said

    def _finish(self, split: str) -> None:
        values = self.scores.compute()
        self._centres = self.scores.centres()
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        self.scores.reset()

    def validation_step(self, batch: ContextBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions = []

    def test_step(self, batch: ContextBatch, batch_index: int) -> None:
        said = self._evaluate(batch, batch_index)
        if self.is_repeated(batch_index):
            return
        for name, own, true in zip(
            batch.image_ids, said.tolist(), batch.centres.tolist(), strict=True
        ):
            self.predictions.append({"id": name, "said": _rounded(own), "true": _rounded(true)})

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split)

    def draw(self, folder: Path) -> list[Path]:
        if self._centres is None or not self.num_figures:
            return []
        said, true = (each.cpu().numpy() for each in self._centres)
        path = folder / "positions.png"
        position_figure(true, said, path)
        return [path]

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: ContextDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Cut patches out of each image file and say where they lie in it.

        Raises:
            DataError: a file is no picture, or too small for two rows and two columns.
        """
        for file in inputs:
            _, _, cut = datamodule.open_image(Path(file))
            said = self.model(cut.patches.to(self.device)).float().cpu()  # [N, 2]
            error = float((said - cut.centres).norm(dim=1).mean())
            figure = None
            if figures:
                figure = output / f"{Path(file).stem}.png"
                position_figure(cut.centres.numpy(), said.numpy(), figure)
            text = f"{error / 2:.0%} of a side away from where the patches are, in the mean"
            record = {"error": round(error, 4)}
            yield Prediction(file, (Hypothesis(text, -error, -error),), figure, record=record)


def _rounded(centre: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in centre]
