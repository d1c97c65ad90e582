"""Say where in an image one patch lies, seen from another."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassConfusionMatrix

from seqlab.data.batches import ContextBatch
from seqlab.data.context import ContextDataModule
from seqlab.data.patches import POSITIONS
from seqlab.data.spec import ContextSpec
from seqlab.models.interfaces import ContextModel
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.class_scores import class_figure
from seqlab.viz.confusion import confusion_figure
from seqlab.viz.context import ShownPair, context_figure

PAIRS_PER_FIGURE = 8


class ContextPredictionTask(Task):
    """Cross-entropy of the eight positions; Doersch et al. (2015).

    Args:
        model: says where the second patch of a pair lies.
        spec: the size of a patch.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        num_figures: how many images of an evaluation are drawn, eight pairs of each.
    """

    interface: ClassVar = ContextModel
    batch_type: ClassVar = ContextBatch
    supplied_sizes: ClassVar = frozenset({"patch_size"})
    monitor: ClassVar[str] = "val/accuracy"
    mode: ClassVar[Literal["min", "max"]] = "max"

    def __init__(
        self,
        *,
        model: ContextModel,
        spec: ContextSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        self.model: ContextModel
        self.spec: ContextSpec
        self.num_figures = num_figures
        self.loss = MeanMetric()
        self.confusion = MulticlassConfusionMatrix(len(POSITIONS))
        self._matrix = torch.zeros(0)  # of the last evaluation, [8, 8]
        self._shown: dict[str, list[ShownPair]] = {}  # those that are drawn, by image

    @staticmethod
    def sizes(spec: ContextSpec) -> dict[str, Any]:
        return {"patch_size": spec.patch_size}

    def example_ids(self, batch: ContextBatch) -> Sequence[str]:
        return tuple(dict.fromkeys(batch.image_ids))

    def batch_size(self, batch: ContextBatch) -> int:
        return len(batch.pairs)

    def on_fit_start(self) -> None:
        if self.device.type == "cuda":  # where convolutions are faster with the channels last
            self.model.to(memory_format=torch.channels_last)

    def train_batch(self, batch: ContextBatch) -> Outcome:
        logits = self.model(batch.patches, batch.pairs).float()  # [B, 8]
        loss = F.cross_entropy(logits, batch.positions)
        right = (logits.argmax(dim=1) == batch.positions).float().mean()
        return Outcome(loss, {"loss": loss, "accuracy": right})

    def _evaluate(self, batch: ContextBatch, batch_index: int) -> Tensor:
        """Score a batch; the probabilities [B, 8] of its pairs."""
        logits = self.model(batch.patches, batch.pairs).float()  # [B, 8]
        if not self.is_repeated(batch_index):
            self.loss.update(F.cross_entropy(logits, batch.positions), len(logits))
            self.confusion.update(logits, batch.positions)
        return logits.softmax(dim=1)  # [B, 8]

    def _finish(self, split: str) -> None:
        self._matrix = self.confusion.compute().double().cpu()  # [8, 8]
        accuracy = float(self._matrix.diagonal().sum() / self._matrix.sum())
        # Every rank has synchronised already and holds the same numbers.
        values = {"loss": float(self.loss.compute()), "accuracy": accuracy}
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})
        self.loss.reset()
        self.confusion.reset()

    def validation_step(self, batch: ContextBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions, self._shown = [], {}

    def test_step(self, batch: ContextBatch, batch_index: int) -> None:
        probabilities = self._evaluate(batch, batch_index)  # [B, 8]
        if self.is_repeated(batch_index):
            return
        said = probabilities.argmax(dim=1).tolist()
        names = [batch.image_ids[first] for first in batch.pairs[:, 0].tolist()]
        right: dict[str, list[bool]] = {}
        for name, found, position in zip(names, said, batch.positions.tolist(), strict=True):
            right.setdefault(name, []).append(found == position)
        for name, each in right.items():
            accuracy = round(sum(each) / len(each), 4)
            self.predictions.append({"id": name, "pairs": len(each), "accuracy": accuracy})
        for row, name in enumerate(names):
            if name in self._shown or len(self._shown) < self.num_figures:
                self._shown.setdefault(name, []).append(_pair(batch, probabilities, row))

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split)

    def tables(self) -> list[Table]:
        if not len(self._matrix):
            return []
        rows = []
        for index, name in enumerate(POSITIONS):
            right = float(self._matrix[index, index])
            found = right / max(float(self._matrix[index].sum()), 1.0)
            said = float(self._matrix[:, index].sum())
            share = f"{100 * right / said:.1f}" if said else "-"
            rows.append((Cell(name), Cell(f"{100 * found:.1f}", found), Cell(share)))
        title = f"positions of {self.evaluated_split}; chance is 12.5 %"
        return [Table(title, ("second patch", "found %", "right when said %"), tuple(rows))]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for name, pairs in self._shown.items():
            paths.append(folder / f"{_file_name(name)}.png")
            context_figure(_spread(pairs), POSITIONS, paths[-1])
        if len(self._matrix):
            found = self._matrix.diagonal() / self._matrix.sum(dim=1)  # [8]
            paths += [folder / "positions.png", folder / "confusion.png"]
            class_figure(POSITIONS, found.numpy(), paths[-2], score="pairs found")
            confusion_figure(self._matrix.numpy(), POSITIONS, paths[-1])
        return paths

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
        """Cut a grid of patches out of each image file and say where they lie to each other.

        Raises:
            DataError: a file is no picture, or too small for two rows and two columns.
        """
        for file in inputs:
            _, _, cut = datamodule.open_image(Path(file))
            pairs = cut.pairs.to(self.device)
            logits = self.model(cut.patches.to(self.device), pairs).float()  # [B, 8]
            probabilities = logits.softmax(dim=1).cpu()  # [B, 8]
            right = int((probabilities.argmax(dim=1) == cut.positions).sum())
            true = probabilities[torch.arange(len(pairs)), cut.positions]  # [B]
            figure = None
            if figures:
                figure = output / f"{Path(file).stem}.png"
                names = (file,) * len(cut.patches)
                batch = ContextBatch(names, cut.patches, cut.centres, cut.pairs, cut.positions)
                shown = [_pair(batch, probabilities, row) for row in range(len(pairs))]
                context_figure(shown, POSITIONS, figure)
            mean = float(true.log().mean())
            text = f"{right} of {len(pairs)} neighbours are where it says they are"
            record = {"right": right, "pairs": len(pairs)}
            yield Prediction(file, (Hypothesis(text, mean, mean),), figure, record=record)


def _pair(batch: ContextBatch, probabilities: Tensor, row: int) -> ShownPair:
    first, second = (
        batch.patches[number].permute(1, 2, 0).clamp(0, 1).cpu().numpy()
        for number in batch.pairs[row].tolist()
    )
    return ShownPair(first, second, probabilities[row].cpu().numpy(), int(batch.positions[row]))


def _spread(pairs: Sequence[ShownPair]) -> list[ShownPair]:
    """At most eight of the pairs of an image, of each position in turn."""
    step = max(1, len(pairs) // PAIRS_PER_FIGURE)
    return list(pairs[::step][:PAIRS_PER_FIGURE])


def _file_name(image_id: str) -> str:
    return Path(image_id).with_suffix("").as_posix().replace("/", "_").replace(" ", "_")
