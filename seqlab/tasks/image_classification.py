"""Say what an image shows."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from seqlab.components.losses import label_nll
from seqlab.data.batches import ImageBatch
from seqlab.data.image_labels import ImageDataModule
from seqlab.data.images import refuse_broken
from seqlab.data.spec import ImageSpec
from seqlab.metrics.image_labels import TOP, Classified, ImageScores
from seqlab.models.interfaces import ImageClassifier
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.class_scores import class_figure
from seqlab.viz.confusion import confusion_figure
from seqlab.viz.photos import Photo, photo_figure

LIKELY = 0.5  # from which a class counts as said where an image may show several


class ImageClassificationTask(Task):
    """Cross-entropy of an image's class or, where it may show several, of each by itself.

    What does not count, such as an object that is hard to see, is in no loss and no score.

    Args:
        model: scores images.
        spec: the classes, and whether an image may show several.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        num_figures: how many images of an evaluation are drawn.
    """

    interface: ClassVar = ImageClassifier
    batch_type: ClassVar = ImageBatch
    supplied_sizes: ClassVar = frozenset({"num_classes"})
    monitor: ClassVar[str] = "val/map"
    mode: ClassVar[Literal["min", "max"]] = "max"

    def __init__(
        self,
        *,
        model: ImageClassifier,
        spec: ImageSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        self.model: ImageClassifier
        self.spec: ImageSpec
        self.num_figures = num_figures
        self.scores = ImageScores()
        self.loss = MeanMetric()
        self._found: Classified | None = None  # of the last evaluation
        self._shown: list[Photo] = []

    @staticmethod
    def sizes(spec: ImageSpec) -> dict[str, Any]:
        return {"num_classes": len(spec.classes)}

    def example_ids(self, batch: ImageBatch) -> Sequence[str]:
        return batch.image_ids

    def batch_size(self, batch: ImageBatch) -> int:
        return len(batch.images)

    def train_batch(self, batch: ImageBatch) -> Outcome:
        logits = self.model(batch.images)  # [B, C]
        nll, answers = label_nll(logits, batch.labels, self.spec.is_multi_label)
        loss = nll / answers.clamp_min(1)
        if self.spec.is_multi_label:
            right = (logits > 0) == (batch.labels > 0)  # [B, C]
            counted = batch.labels >= 0  # [B, C]
            accuracy = (right & counted).sum() / counted.sum().clamp_min(1)
        else:
            accuracy = (logits.argmax(dim=1) == batch.labels.argmax(dim=1)).float().mean()
        return Outcome(loss, {"loss": loss, "accuracy": accuracy})

    def probabilities(self, logits: Tensor) -> Tensor:
        """Of the classes, [B, C], of logits [B, C]; they sum to 1 where an image shows just one."""
        logits = logits.float()  # [B, C]
        return logits.sigmoid() if self.spec.is_multi_label else logits.softmax(dim=1)

    def _evaluate(self, batch: ImageBatch, batch_index: int) -> Tensor:
        """Score a batch; the probabilities [B, C] of its images."""
        logits = self.model(batch.images)  # [B, C]
        probabilities = self.probabilities(logits)  # [B, C]
        if not self.is_repeated(batch_index):
            self.scores.update(probabilities, batch.labels)
            nll, answers = label_nll(logits, batch.labels, self.spec.is_multi_label)
            self.loss.update(nll / answers.clamp_min(1), answers)
        return probabilities

    def _finish(self, split: str) -> None:
        found: Classified = self.scores.compute()
        values = {"loss": float(self.loss.compute()), **found.mean_precisions()}
        if not self.spec.is_multi_label:
            values |= found.accuracies()
        self._found = Classified(found.scores.cpu(), found.labels.cpu())
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})
        self.loss.reset()
        self.scores.reset()

    def validation_step(self, batch: ImageBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions, self._shown = [], []

    def test_step(self, batch: ImageBatch, batch_index: int) -> None:
        probabilities = self._evaluate(batch, batch_index).cpu()  # [B, C]
        rows = zip(batch.image_ids, batch.images, probabilities, batch.labels, strict=True)
        for name, image, row, labels in rows:
            shown, said = self._classes(labels == 1), self._said(row)
            self.predictions.append(
                {
                    "id": name,
                    "answer": ", ".join(said),
                    "label": ", ".join(shown),
                    "probability": round(float(row.max()), 4),
                }
            )
            if len(self._shown) < self.num_figures:
                pixels = image.permute(1, 2, 0).clamp(0, 1).cpu().numpy()
                self._shown.append(Photo(name, pixels, row.numpy(), shown))

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split)

    def _classes(self, chosen: Tensor) -> tuple[str, ...]:
        """Names of the classes that are True of [C]."""
        return tuple(self.spec.classes[index] for index in chosen.nonzero().flatten().tolist())

    def _said(self, probabilities: Tensor) -> list[str]:
        """The likeliest class or, where an image may show several, all that are likely."""
        if self.spec.is_multi_label:
            return list(self._classes(probabilities >= LIKELY))
        return [self.spec.classes[int(probabilities.argmax())]]

    def tables(self) -> list[Table]:
        if self._found is None:
            return []
        plain, voc = self._found.precisions()  # [C], [C]
        rows = []
        for index, name in enumerate(self.spec.classes):
            count = int((self._found.labels[:, index] == 1).sum())
            if count:
                rows.append(
                    (
                        Cell(name),
                        Cell(str(count)),
                        Cell(f"{100 * plain[index]:.1f}", float(plain[index])),
                        Cell(f"{100 * voc[index]:.1f}"),
                    )
                )
        title = f"{len(rows)} classes of {self.evaluated_split}"
        columns = ("class", "images", "AP %", "AP of VOC 2007 %")
        return [Table(title, columns, tuple(rows))]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        if self._shown:
            paths.append(folder / "photos.png")
            photo_figure(self._shown, self.spec.classes, paths[-1])
        if self._found is None:
            return paths
        precisions, _ = self._found.precisions()  # [C]
        if not np.isnan(precisions).all():
            paths.append(folder / "classes.png")
            class_figure(self.spec.classes, precisions, paths[-1], score="average precision")
        if not self.spec.is_multi_label:
            paths.append(folder / "confusion.png")
            matrix = self._found.confusion().numpy()
            confusion_figure(matrix, self.spec.classes, paths[-1])
        return paths

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: ImageDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Say what image files show.

        For `photo.jpg` the folder `output` gets the figure `photo.png`.

        Raises:
            DataError: some files are no pictures; nothing is said of any then.
        """
        files = list(inputs)
        refuse_broken([Path(file) for file in files])
        left = iter(files)
        while some := list(islice(left, batch_size)):
            images = [datamodule.open_image(Path(file)) for file in some]
            logits = self.model(torch.stack(images).to(self.device))  # [B, C]
            for file, image, row in zip(
                some, images, self.probabilities(logits).cpu(), strict=True
            ):
                yield self._prediction(file, image, row, output if figures else None)

    def _prediction(
        self, file: str, image: Tensor, probabilities: Tensor, output: Path | None
    ) -> Prediction:
        """What is said of an image [3, height, width] with probabilities [C]."""
        best = probabilities.topk(min(TOP, len(self.spec.classes)))
        logs = best.values.double().clamp_min(1e-30).log().tolist()
        ranked = tuple(
            Hypothesis(self.spec.classes[index], value, value)
            for value, index in zip(logs, best.indices.tolist(), strict=True)
        )
        record = {"shows": self._said(probabilities)} if self.spec.is_multi_label else None
        figure = None
        if output is not None:
            name = re.sub(r"[^\w.-]", "_", Path(file).stem)
            figure = output / f"{name}.png"
            pixels = image.permute(1, 2, 0).numpy()
            photo = Photo(Path(file).name, pixels, probabilities.numpy(), None)
            photo_figure([photo], self.spec.classes, figure)
        return Prediction(file, ranked, figure, record=record, is_choice=True)
