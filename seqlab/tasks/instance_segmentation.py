"""Find the objects of an image, and say of each what it is and which pixels it has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from seqlab.components.regions.boxes import tight_boxes
from seqlab.config.errors import Problem, UserError
from seqlab.data.batches import InstanceBatch
from seqlab.data.images import read_image, refuse_broken
from seqlab.data.instances import InstanceDataModule
from seqlab.data.spec import InstanceSpec
from seqlab.metrics.instances import InstanceScores, rle
from seqlab.models.interfaces import Detections, InstanceModel, Instances
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.objectives import refuse_unknown_weights
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.class_scores import class_figure
from seqlab.viz.instances import Shown, instances_figure, object_numbers, object_palette
from seqlab.viz.segmentation import save_label_map


class InstanceSegmentationTask(Task):
    """The sum of a model's own losses, and average precision over masks.

    Args:
        model: finds objects.
        spec: the classes.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        auxiliary_weights: weights of the model's losses by name, instead of the paper's.
        shown_score: from which an object is drawn and told of; scores count all.
        num_figures: how many images of an evaluation are drawn.

    Raises:
        UserError: the model has no loss of a name, or the shown score is no probability.
    """

    interface: ClassVar = InstanceModel
    batch_type: ClassVar = InstanceBatch
    supplied_sizes: ClassVar = frozenset({"num_classes"})
    monitor: ClassVar[str] = "val/ap50"
    mode: ClassVar[Literal["min", "max"]] = "max"

    def __init__(
        self,
        *,
        model: InstanceModel,
        spec: InstanceSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        auxiliary_weights: Mapping[str, float],
        shown_score: float,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        refuse_unknown_weights(model, auxiliary_weights)
        if not 0 <= shown_score <= 1:
            problem = Problem(
                key="task.shown_score", given=str(shown_score), message="is from 0 to 1"
            )
            raise UserError([problem])
        self.model: InstanceModel
        self.spec: InstanceSpec
        self.auxiliary_weights = dict(auxiliary_weights)
        self.shown_score = shown_score
        self.num_figures = num_figures
        self.scores = InstanceScores(classes=spec.classes)
        self._each: dict[str, NDArray[np.float64]] = {}  # of the last evaluation, [C]
        self._to_draw: list[_Answered] = []

    @staticmethod
    def sizes(spec: InstanceSpec) -> dict[str, Any]:
        return {"num_classes": len(spec.classes)}

    def example_ids(self, batch: InstanceBatch) -> Sequence[str]:
        return batch.image_ids

    def batch_size(self, batch: InstanceBatch) -> int:
        return len(batch.images)

    def train_batch(self, batch: InstanceBatch) -> Outcome:
        """Crowds are nothing that is learnt: what lies on them is background."""
        labels = batch.labels.masked_fill(batch.crowds, -1)  # [B, N]
        terms = self.model(batch.images, Instances(batch.boxes, labels, batch.masks))
        logged = {name: term.value.mean() for name, term in terms.items()}
        weighed = [
            self.auxiliary_weights.get(name, term.weight) * logged[name]
            for name, term in terms.items()
        ]
        total = torch.stack(weighed).sum()
        return Outcome(total, {"loss": total, **logged})

    def _evaluate(self, batch: InstanceBatch, batch_index: int) -> Detections:
        found = self.model.detect(batch.images)
        if not self.is_repeated(batch_index):
            self.scores.update(
                (found.labels, found.scores, found.masks),
                (batch.labels, batch.crowds, batch.masks),
                batch.image_ids,
            )
        return found

    def _finish(self, split: str) -> None:
        self._each = self.scores.per_class()
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": value for name, value in self.scores.compute().items()})
        self.scores.reset()

    def validation_step(self, batch: InstanceBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: InstanceBatch, batch_index: int) -> None:
        found = self._evaluate(batch, batch_index)
        for index, name in enumerate(batch.image_ids):
            chosen = self._chosen(found, index)
            self.predictions.append({"id": name, "objects": self._records(chosen)})
            if len(self._to_draw) < self.num_figures:
                true = batch.labels[index] >= 0  # [N]
                labels = batch.labels[index][true]
                captions = [self.spec.classes[label] for label in labels.tolist()]
                shown = _shown(batch.boxes[index][true], batch.masks[index][true], captions)
                self._to_draw.append(_Answered(name, self._shown(chosen), shown))

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split)

    def _chosen(self, found: Detections, index: int) -> Detections:
        """The objects of one image that are told of, best first, [N, ...]."""
        sure = (found.labels[index] >= 0) & (found.scores[index] >= self.shown_score)
        return Detections(*(part[index][sure].cpu() for part in found))

    def _records(self, chosen: Detections) -> list[dict[str, Any]]:
        return [
            {
                "class": self.spec.classes[label],
                "score": round(score, 4),
                "box": box,
                "segmentation": rle(mask),
            }
            for label, score, box, mask in zip(
                chosen.labels.tolist(),
                chosen.scores.tolist(),
                chosen.boxes.tolist(),
                chosen.masks,
                strict=True,
            )
        ]

    def _captions(self, chosen: Detections) -> list[str]:
        pairs = zip(chosen.labels.tolist(), chosen.scores.tolist(), strict=True)
        return [f"{self.spec.classes[label]} {score:.2f}" for label, score in pairs]

    def _shown(self, chosen: Detections) -> Shown:
        return _shown(chosen.boxes, chosen.masks, self._captions(chosen))

    def tables(self) -> list[Table]:
        if not self._each:
            return []
        columns = ("class", "AP^r at 0.5 %", "AP^r at 0.7 %")
        rows = tuple(
            (Cell(name), *(Cell(f"{100 * value:.1f}", float(np.nan_to_num(value))) for value in at))
            for name, *at in zip(self.spec.classes, *self._each.values(), strict=True)
        )
        return [Table(f"classes of {self.evaluated_split}", columns, rows)]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for name, found, true in self._to_draw:
            picture = self.trainer.datamodule.image(name).permute(1, 2, 0).numpy()
            paths.append(folder / f"{Path(name).stem}.png")
            instances_figure(picture, found, true, paths[-1])
        if self._each:
            paths.append(folder / "classes.png")
            class_figure(self.spec.classes, self._each["ap50"], paths[-1], score="AP^r at 0.5")
        return paths

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: InstanceDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Find the objects of image files of any size, one file at a time.

        For `photo.jpg` the folder `output` gets `photo_objects.png`, as large as the photo, with
        the number of the object of each pixel, and the figure `photo.png`.

        Raises:
            DataError: some files are no pictures; nothing is looked for then.
        """
        files = list(inputs)
        refuse_broken([Path(file) for file in files])
        for file in files:
            original = read_image(Path(file))  # [3, height, width]
            seen = datamodule.open_image(Path(file)).unsqueeze(0).to(self.device)
            size = (original.shape[1], original.shape[2])
            chosen = _enlarged(self._chosen(self.model.detect(seen), 0), size)
            shown = self._shown(chosen)
            numbers = output / f"{Path(file).stem}_objects.png"
            palette = object_palette(len(shown.masks))
            save_label_map(object_numbers(shown.masks), palette, numbers)
            figure = None
            if figures:
                figure = output / f"{Path(file).stem}.png"
                instances_figure(original.permute(1, 2, 0).numpy(), shown, None, figure)
            captions, total = ", ".join(shown.captions), float(chosen.scores.log().sum())
            yield Prediction(
                file,
                (Hypothesis(captions or "nothing", total, total),),
                figure,
                notes=(f"numbers of the objects are in {numbers}",),
                record={"numbers": str(numbers), "objects": self._records(chosen)},
            )


class _Answered(NamedTuple):
    """An image of an evaluation, and what was found on it."""

    image_id: str
    found: Shown
    true: Shown


def _shown(boxes: Tensor, masks: Tensor, captions: Sequence[str]) -> Shown:
    return Shown(boxes.cpu().numpy(), masks.cpu().numpy(), tuple(captions))


def _enlarged(chosen: Detections, size: tuple[int, int]) -> Detections:
    """Objects of one image, [N, ...], on its pixels before it was resized."""
    if not len(chosen.masks):
        return chosen._replace(masks=chosen.masks.new_zeros(0, *size))
    if chosen.masks.shape[1:] == size:
        return chosen
    resized = F.interpolate(
        chosen.masks[None].float(), size=size, mode="bilinear", align_corners=False
    )[0]  # [N, *size]
    masks = resized >= 0.5
    return chosen._replace(masks=masks, boxes=tight_boxes(masks))
