"""Say of each pixel of an image in which direction the surface faces that is seen there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from seqlab.components.directions import angles, cosine_distance, unit
from seqlab.data.batches import NormalsBatch
from seqlab.data.images import read_image, refuse_broken
from seqlab.data.normals import NormalsDataModule
from seqlab.data.spec import NormalsSpec
from seqlab.metrics.normals import NormalScores
from seqlab.models.interfaces import SegmentationModel
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule
from seqlab.tasks.pixels import PixelTask, as_picture, enlarged
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.normals import error_figure, normals_figure, save_normals

MEAN = "mean normal"  # of training: what is said of every pixel by who does not look
# Of the two directions of each axis, by the number of the axis and the sign.
_FACES = ("left", "right", "up", "down", "towards the camera", "away from the camera")
_COLUMNS = {
    "mean_error": "mean \N{DEGREE SIGN}",
    "median_error": "median \N{DEGREE SIGN}",
    "rmse": "RMSE \N{DEGREE SIGN}",
    "within_11": "< 11.25\N{DEGREE SIGN} %",
    "within_22": "< 22.5\N{DEGREE SIGN} %",
    "within_30": "< 30\N{DEGREE SIGN} %",
}


class SurfaceNormalsTask(PixelTask):
    """The angle to the true normal, and the scores of Fouhey et al. (2013).

    The three numbers that a model gives for a pixel are a vector that points right, down and away
    from the camera; it is brought to length 1 here. The objective is the mean of 1 - cos of the
    angle to the truth over the pixels where that is known (Eigen and Fergus, 2015, section 4.2,
    have the same up to a constant); where a model answers in several steps, the sum of that over
    all of them. Scores are of the truth's own resolution: the numbers are resized to it,
    bilinearly, before they become a direction.

    An evaluation tells beside the model's scores those of saying the mean normal of the training
    images of every pixel.

    Args:
        model: gives three numbers for each pixel.
        spec: the mean normal.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        backbone_rate_factor: of the learning rate, for the model's backbone.
        frozen_batch_norm: whether batch normalisation is never told of the training batches; its
            scales and shifts are trained all the same.
        num_figures: how many images of an evaluation are drawn.

    Raises:
        UserError: the backbone is to have a rate of its own and there is none.
    """

    interface: ClassVar = SegmentationModel
    batch_type: ClassVar = NormalsBatch
    supplied_sizes: ClassVar = frozenset({"num_classes"})
    monitor: ClassVar[str] = "val/mean_error"
    mode: ClassVar[Literal["min", "max"]] = "min"

    mean_normal: Tensor

    def __init__(
        self,
        *,
        model: SegmentationModel,
        spec: NormalsSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
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
        self.spec: NormalsSpec
        mean = torch.tensor(spec.mean_normal).view(1, 3, 1, 1)
        self.register_buffer("mean_normal", mean, persistent=False)  # [1, 3, 1, 1]
        self.scores, self.baseline = NormalScores(), NormalScores()
        self.loss = MeanMetric()
        self._result: dict[str, dict[str, float]] = {}  # of the last evaluation, by who said it
        self._curves: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._to_draw: list[_Answered] = []

    @staticmethod
    def sizes(spec: NormalsSpec) -> dict[str, Any]:
        return {"num_classes": 3}

    def train_batch(self, batch: NormalsBatch) -> Outcome:
        segmented = self.model(batch.images)
        answers = (*segmented.earlier, segmented.logits)  # each [B, 3, height, width]
        losses = [cosine_distance(each, batch.normals) for each in answers]
        means = [distance / known.clamp_min(1) for distance, known in losses]
        total = torch.stack(means)  # [steps]
        return Outcome(total.sum(), {"loss": total[-1]})

    def directions(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Unit vectors [B, 3, *size] of images [B, 3, height, width]."""
        return unit(enlarged(self.model(images).logits.float(), size))

    def _evaluate(self, batch: NormalsBatch, batch_index: int) -> Tensor:
        """Score a batch; the directions [B, 3, height', width'] that were found."""
        size = (batch.normals.shape[2], batch.normals.shape[3])
        found = self.directions(batch.images, size)  # [B, 3, height', width']
        if not self.is_repeated(batch_index):
            self.scores.update(found, batch.normals)
            distance, known = cosine_distance(found, batch.normals)
            self.loss.update(distance / known.clamp_min(1), known)
        return found

    def _finish(self, split: str) -> dict[str, float]:
        scores = {"loss": self.loss.compute(), **self.scores.compute()}
        # Every rank has synchronised already and holds the same numbers.
        values = {name: float(value) for name, value in scores.items()}
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})
        self._curves = {"model": _numpy(self.scores.curve())}
        for metric in (self.loss, self.scores):
            metric.reset()
        return values

    def validation_step(self, batch: NormalsBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: NormalsBatch, batch_index: int) -> None:
        found = self._evaluate(batch, batch_index)
        if not self.is_repeated(batch_index):
            self.baseline.update(self.mean_normal.expand_as(found), batch.normals)
        errors = torch.rad2deg(angles(found, batch.normals))  # [B, height', width']
        known = batch.normals.any(dim=1)  # [B, height', width']
        for index, name in enumerate(batch.image_ids):
            own = errors[index][known[index]]  # [pixels]
            mean = round(float(own.mean()), 2) if len(own) else None
            self.predictions.append({"id": name, "mean_error": mean})
            if len(self._to_draw) < self.num_figures:
                maps = (_last(found[index]), _last(batch.normals[index]))
                self._to_draw.append(_Answered(name, *maps))

    def on_test_epoch_end(self) -> None:
        said = {name: float(value) for name, value in self.baseline.compute().items()}
        curve = _numpy(self.baseline.curve())
        self._result = {"model": self._finish(self.evaluated_split), MEAN: said}
        self._curves[MEAN] = curve
        self.log_dict({f"{self.evaluated_split}/baseline_{n}": v for n, v in said.items()})
        self.baseline.reset()

    def tables(self) -> list[Table]:
        if not self._result:
            return []
        split = self.evaluated_split
        rows = tuple(
            (Cell(name), *(Cell(_number(key, scores[key])) for key in _COLUMNS))
            for name, scores in self._result.items()
        )
        metrics = tuple(
            f"{split}/{prefix}{key}" for prefix in ("", "baseline_") for key in _COLUMNS
        )
        columns = ("angular error", *_COLUMNS.values())
        return [Table(f"surface normals of {split}", columns, rows, metrics)]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for name, found, normals in self._to_draw:
            size = (normals.shape[0], normals.shape[1])
            picture = as_picture(self.trainer.datamodule.image(name), size)
            paths.append(folder / f"{Path(name).stem}.png")
            normals_figure(picture, found, normals, paths[-1])
        if self._curves:
            paths.append(folder / "errors.png")
            error_figure(self._curves, paths[-1])
        return paths

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: NormalsDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Say of image files of any size where their surfaces face, one at a time.

        For `photo.jpg` the folder `output` gets `photo_normals.png`, as large as the photo, whose
        red grows to the right, green upwards and blue towards the camera, and the figure
        `photo.png`.

        Raises:
            DataError: some files are no pictures; nothing is said of any then.
        """
        files = list(inputs)
        refuse_broken([Path(file) for file in files])
        for file in files:
            original = read_image(Path(file))  # [3, height, width]
            size = (original.shape[1], original.shape[2])
            shown = datamodule.open_image(Path(file)).unsqueeze(0).to(self.device)
            found = self.directions(shown, size)[0]  # [3, *size]
            colours, figure = output / f"{Path(file).stem}_normals.png", None
            save_normals(_last(found), colours)
            if figures:
                figure = output / f"{Path(file).stem}.png"
                normals_figure(original.permute(1, 2, 0).numpy(), _last(found), None, figure)
            text, shares = _shares(found)
            yield Prediction(
                file,
                (Hypothesis(text, None, None),),
                figure,
                notes=(f"normals are in {colours}",),
                record={"normals": str(colours), "shares": shares},
            )


class _Answered(NamedTuple):
    """An image of an evaluation, and what was said of its surfaces."""

    image_id: str
    found: NDArray[np.float32]  # [height, width, 3]
    normals: NDArray[np.float32]  # [height, width, 3]


def _last(directions: Tensor) -> NDArray[np.float32]:
    """Directions [3, height, width] with their parts last, [height, width, 3]."""
    return directions.permute(1, 2, 0).cpu().numpy()


def _numpy(curve: tuple[Tensor, Tensor]) -> tuple[NDArray[Any], NDArray[Any]]:
    degrees, shares = curve
    return degrees.cpu().numpy(), shares.cpu().numpy()


def _number(key: str, value: float) -> str:
    return f"{100 * value:.1f}" if key.startswith("within") else f"{value:.1f}"


def _shares(directions: Tensor) -> tuple[str, dict[str, float]]:
    """Which share of directions [3, height, width] faces most to which side; words and numbers."""
    axes = directions.abs().argmax(dim=0)  # [height, width]
    positive = directions.gather(0, axes.unsqueeze(0))[0] > 0  # [height, width]
    counts = torch.bincount((2 * axes + positive).flatten(), minlength=len(_FACES))  # [faces]
    shares = (counts / counts.sum()).tolist()
    ranked = sorted(zip(_FACES, shares, strict=True), key=lambda each: -each[1])
    named = {name: round(share, 4) for name, share in ranked if share >= 0.001}
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in named.items()), named
