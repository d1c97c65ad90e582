"""Describe an image in words."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from seqlab.components.decoding.interface import Search
from seqlab.data.batches import CaptionBatch
from seqlab.data.captions import CaptionDataModule
from seqlab.data.images import refuse_broken
from seqlab.data.spec import CaptionSpec
from seqlab.metrics.pointing import PointingAccuracy
from seqlab.models.ensemble import CaptioningEnsemble
from seqlab.models.interfaces import CaptioningModel, TeacherForced
from seqlab.tasks.base import Prediction, Schedule
from seqlab.tasks.described import Described, describe, draw_gallery, ranked
from seqlab.tasks.describing import DescribingTask
from seqlab.viz.attention import attention_figure


class CaptioningTask(DescribingTask):
    """Maximum likelihood of captions of images, and their COCO scores.

    Args:
        model: a captioning model.
        spec: vocabulary and image size.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        decoding: how captions are searched for, in validation and test.
        auxiliary_weights: weights of auxiliary terms of the model by name, instead of the paper's.
        num_figures: how many images of an evaluation get an attention figure.
    """

    interface: ClassVar = CaptioningModel
    batch_type: ClassVar = CaptionBatch

    def __init__(
        self,
        *,
        model: CaptioningModel,
        spec: CaptionSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        decoding: Search,
        auxiliary_weights: dict[str, float],
        num_figures: int,
    ) -> None:
        super().__init__(
            model=model,
            spec=spec,
            optimizer=optimizer,
            schedule=schedule,
            decoding=decoding,
            auxiliary_weights=auxiliary_weights,
            num_figures=num_figures,
            looking=PointingAccuracy(),
        )
        self.model: CaptioningModel
        self.spec: CaptionSpec
        self._to_draw: list[Described] = []

    @classmethod
    def ensemble(cls, models: Sequence[CaptioningModel]) -> CaptioningEnsemble:
        return CaptioningEnsemble(members=models)

    def attach(
        self, datamodule: CaptionDataModule, cache_dir: Path, on_progress: Any = None
    ) -> None:
        if self.model.backbone.frozen:
            datamodule.keep_features(self.model.backbone, cache_dir, on_progress=on_progress)

    def example_ids(self, batch: CaptionBatch) -> Sequence[str]:
        return batch.image_ids

    def look_at_nothing(self) -> Tensor:
        return torch.zeros(1, self.model.backbone.channels, 2, 2)  # [B, D, h, w]

    def look(self, batch: CaptionBatch) -> Tensor:
        """Feature maps [I, D, h, w] of the images, computed or kept."""
        if batch.features is not None:
            return batch.features.to(self.dtype)
        return self.model.backbone(batch.images)

    def teach(self, seen: Tensor, batch: CaptionBatch) -> TeacherForced:
        return self.model(seen[batch.image_index], batch.tokens, batch.lengths)

    def measure_looking(
        self, forced: TeacherForced, seen: Tensor, batch: CaptionBatch, counts: bool
    ) -> None:
        if batch.masks is None or batch.objects is None or forced.weights is None:
            return
        named = batch.objects[:, 1:]  # [B, T]
        named = named if counts else torch.full_like(named, -1)
        self.looking.update(forced.weights, _grid(seen), named, batch.masks, batch.image_index)

    def looking_scores(self) -> dict[str, Tensor]:
        return {"pointing_accuracy": self.looking.compute()}

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: CaptionBatch, batch_index: int) -> None:
        features, found = self.evaluate(batch, batch_index, self.final_scores)
        grid = _grid(features)
        for row, image_id in enumerate(batch.image_ids):
            described = describe(
                image_id, found, row, self.spec, places=grid, references=batch.references[row]
            )
            self.predictions.append(described.record)
            if len(self._to_draw) < self.num_figures:
                self._to_draw.append(described)

    def draw(self, folder: Path) -> list[Path]:
        if not self._to_draw:
            return []
        images = [self._picture(described.name) for described in self._to_draw]
        gallery = folder / "captions.png"
        draw_gallery(images, self._to_draw, gallery)
        written = [gallery]
        for image, described in zip(images, self._to_draw, strict=True):
            path = folder / f"attention_{Path(described.name).stem}.png"
            if self._draw_attention(image, described, path):
                written.append(path)
        return written

    def _draw_attention(self, image: np.ndarray, described: Described, path: Path) -> bool:
        if described.weights is None or not described.words:
            return False
        attention_figure(image, described.words, described.weights, path)
        return True

    def _picture(self, image_id: str) -> np.ndarray:
        image = self.trainer.datamodule.image(image_id)  # [3, height, width]
        return image.permute(1, 2, 0).numpy()

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: CaptionDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Caption image files; the figure of `photo.jpg` is `photo.png` in the folder `output`.

        Raises:
            DataError: some files are no pictures; none is captioned then.
        """
        files = list(inputs)
        refuse_broken([Path(file) for file in files])
        inputs = iter(files)
        while sources := list(islice(inputs, batch_size)):
            images = [datamodule.open_image(Path(source)) for source in sources]
            features = self.model.backbone(torch.stack(images).to(self.device))  # [I, D, h, w]
            grid = _grid(features)
            found = self.decode(features)
            for row, (source, image) in enumerate(zip(sources, images, strict=True)):
                figure = output / f"{Path(source).stem}.png"
                described = describe(source, found, row, self.spec, places=grid)
                picture = image.permute(1, 2, 0).numpy()
                drawn = figures and self._draw_attention(picture, described, figure)
                hypotheses = ranked(found, row, self.spec)
                yield Prediction(source, hypotheses, figure if drawn else None)


def _grid(features: Tensor) -> tuple[int, int]:
    """Rows and columns of the locations of feature maps [I, D, h, w]."""
    return features.shape[-2], features.shape[-1]
