"""Say of each pixel of an image to which class it belongs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from seqlab.components.inference.interface import PixelInference
from seqlab.components.losses import pixel_nll
from seqlab.data.batches import VOID, SegmentationBatch
from seqlab.data.images import read_image, refuse_broken
from seqlab.data.segmentation import SegmentationDataModule
from seqlab.data.spec import SegmentationSpec
from seqlab.metrics.segmentation import BoundaryF1, PixelScores
from seqlab.models.interfaces import SegmentationModel
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule
from seqlab.tasks.class_result import ClassResult
from seqlab.tasks.pixels import PixelTask, as_picture, enlarged
from seqlab.tasks.tables import Table
from seqlab.viz.class_scores import class_figure
from seqlab.viz.confusion import confusion_figure
from seqlab.viz.segmentation import save_label_map, segmentation_figure

LEAST_SHARE = 0.001  # of the pixels that a class has to have to be named in an answer


class SegmentationTask(PixelTask):
    """Cross-entropy of each pixel's class, and the scores of Long et al. (2015).

    The objective is the mean over the pixels that are not void, each with its class's weight; where
    a model answers in several steps, the sum of that over all of them. Scores are of the labels'
    own resolution: logits are resized to it, bilinearly, before a class is chosen.

    Args:
        model: scores pixels.
        spec: the classes.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        inference: how images are shown to the model in validation, test and prediction.
        class_weights: whether a class has the weight that the data gives it (median frequency).
        backbone_rate_factor: of the learning rate, for the model's backbone.
        frozen_batch_norm: whether batch normalisation is never told of the training batches; its
            scales and shifts are trained all the same.
        num_figures: how many images of an evaluation are drawn.

    Raises:
        UserError: the backbone is to have a rate of its own and there is none.
    """

    interface: ClassVar = SegmentationModel
    batch_type: ClassVar = SegmentationBatch
    supplied_sizes: ClassVar = frozenset({"num_classes"})
    monitor: ClassVar[str] = "val/mean_iou"
    mode: ClassVar[Literal["min", "max"]] = "max"

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        model: SegmentationModel,
        spec: SegmentationSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        inference: PixelInference,
        class_weights: bool,
        backbone_rate_factor: float,
        frozen_batch_norm: bool,
        num_figures: int,
    ) -> None:
        super().__init__(
            model=model,
            spec=spec,
            optimizer=optimizer,
            schedule=schedule,
            backbone_rate_factor=backbone_rate_factor,
            frozen_batch_norm=frozen_batch_norm,
            num_figures=num_figures,
        )
        self.spec: SegmentationSpec
        self.inference = inference
        weight = torch.tensor(spec.class_weights) if class_weights else None  # [C]
        self.register_buffer("class_weight", weight, persistent=False)
        self.scores = PixelScores(classes=spec.classes, void=VOID, per_class=False)
        self.final_scores = PixelScores(classes=spec.classes, void=VOID, per_class=True)
        self.borders = BoundaryF1(num_classes=len(spec.classes), void=VOID)
        self.loss = MeanMetric()
        self._result = ClassResult(spec.classes, np.zeros((0, 0)))  # of the last evaluation
        self._to_draw: list[_Answered] = []

    @staticmethod
    def sizes(spec: SegmentationSpec) -> dict[str, Any]:
        return {"num_classes": len(spec.classes)}

    def train_batch(self, batch: SegmentationBatch) -> Outcome:
        segmented = self.model(batch.images)
        answers = (*segmented.earlier, segmented.logits)  # each [B, C, height, width]
        losses = [pixel_nll(each, batch.labels, VOID, self.class_weight) for each in answers]
        total = torch.stack([nll / weight.clamp_min(1e-12) for nll, weight in losses])  # [steps]
        right = (segmented.logits.argmax(dim=1) == batch.labels).sum()
        labelled = (batch.labels != VOID).sum().clamp_min(1)
        return Outcome(total.sum(), {"loss": total[-1], "pixel_accuracy": right / labelled})

    def score(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits [B, C, *size] of images [B, 3, height, width], resized to another size."""
        logits = self.inference(lambda shown: self.model(shown).logits, images).float()
        return enlarged(logits, size)

    def _evaluate(self, batch: SegmentationBatch, batch_index: int, scores: PixelScores) -> Tensor:
        """Score a batch; the classes [B, height', width'] that were chosen."""
        size = (batch.labels.shape[1], batch.labels.shape[2])
        logits = self.score(batch.images, size)  # [B, C, height', width']
        predicted = logits.argmax(dim=1)  # [B, height', width']
        if not self.is_repeated(batch_index):
            scores.update(predicted, batch.labels)
            nll, labelled = pixel_nll(logits, batch.labels, VOID)
            self.loss.update(nll / labelled.clamp_min(1), labelled)
        return predicted

    def _finish(self, split: str, scores: PixelScores) -> None:
        values = {"loss": self.loss.compute(), **scores.compute()}
        if self.borders.update_called:
            values |= self.borders.compute()
        self._result = ClassResult(self.spec.classes, scores.matrix().cpu().numpy())
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        for metric in (self.loss, self.borders, scores):
            metric.reset()

    def validation_step(self, batch: SegmentationBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index, self.scores)

    def on_validation_epoch_end(self) -> None:
        self._finish("val", self.scores)

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: SegmentationBatch, batch_index: int) -> None:
        predicted = self._evaluate(batch, batch_index, self.final_scores)
        if not self.is_repeated(batch_index):
            self.borders.update(predicted, batch.labels)
        for name, found, labels in zip(batch.image_ids, predicted, batch.labels, strict=True):
            labelled = labels != VOID  # [height', width']
            right = float((found == labels).sum() / labelled.sum().clamp_min(1))
            self.predictions.append({"id": name, "pixel_accuracy": round(right, 4)})
            if len(self._to_draw) < self.num_figures:
                self._to_draw.append(_Answered(name, _bytes(found), _bytes(labels)))

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split, self.final_scores)

    def signatures(self) -> dict[str, str]:
        absent = self._result.absent()
        if not absent:
            return {}
        return {"classes_left_out": f"neither labelled nor predicted: {', '.join(absent)}"}

    def tables(self) -> list[Table]:
        return [self._result.table(self.evaluated_split)]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for name, found, labels in self._to_draw:
            picture = as_picture(self.trainer.datamodule.image(name), labels.shape)
            paths.append(folder / f"{Path(name).stem}.png")
            self._draw_one(picture, found, labels, paths[-1])
        if not len(self._result.matrix):
            return paths
        paths += [folder / "classes.png", folder / "confusion.png"]
        ious = self._result.ious()
        class_figure(self.spec.classes, ious, paths[-2], score="intersection over union")
        confusion_figure(self._result.matrix, self.spec.classes, paths[-1])
        return paths

    def _draw_one(
        self,
        picture: NDArray[Any],
        found: NDArray[np.uint8],
        labels: NDArray[np.uint8] | None,
        path: Path,
    ) -> None:
        classes, palette = self.spec.classes, self.spec.palette
        segmentation_figure(picture, found, labels, classes, palette, path, void=VOID)

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: SegmentationDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Label image files of any size, one at a time.

        For `photo.jpg` the folder `output` gets `photo_labels.png`, as large as the photo, in the
        colours of the classes, and the figure `photo.png`.

        Raises:
            DataError: some files are no pictures; none is labelled then.
        """
        files = list(inputs)
        refuse_broken([Path(file) for file in files])
        for file in files:
            original = read_image(Path(file))  # [3, height, width]
            size = (original.shape[1], original.shape[2])
            shown = datamodule.open_image(Path(file)).unsqueeze(0).to(self.device)
            log_probabilities = self.score(shown, size)[0].log_softmax(dim=0)  # [C, *size]
            best, found = log_probabilities.max(dim=0)  # [height, width]
            label_map, figure = output / f"{Path(file).stem}_labels.png", None
            save_label_map(_bytes(found), self.spec.palette, label_map)
            if figures:
                figure = output / f"{Path(file).stem}.png"
                picture = original.permute(1, 2, 0).numpy()
                self._draw_one(picture, _bytes(found), None, figure)
            mean = float(best.mean())
            text, shares = self._shares(found)
            record = {"labels": str(label_map), "shares": shares}
            notes = (f"labels are in {label_map}",)
            hypotheses = (Hypothesis(text, mean, mean),)
            yield Prediction(file, hypotheses, figure, notes=notes, record=record)

    def _shares(self, found: Tensor) -> tuple[str, dict[str, float]]:
        """Which classes have how much of a label map, the largest first; in words and numbers."""
        counts = torch.bincount(found.flatten(), minlength=len(self.spec.classes))
        shares = (counts / counts.sum()).tolist()
        ranked = sorted(zip(self.spec.classes, shares, strict=True), key=lambda each: -each[1])
        named = {name: round(share, 4) for name, share in ranked if share >= LEAST_SHARE}
        return ", ".join(f"{name} {100 * share:.1f} %" for name, share in named.items()), named


class _Answered(NamedTuple):
    """An image of an evaluation, and what was said of its pixels."""

    image_id: str
    found: NDArray[np.uint8]  # [height, width]
    labels: NDArray[np.uint8]  # [height, width]


def _bytes(labels: Tensor) -> NDArray[np.uint8]:
    return labels.to(torch.uint8).cpu().numpy()
