"""Describe an image in words."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from seqlab.components.decoding.interface import Hypotheses, Search
from seqlab.components.losses import sequence_nll
from seqlab.data.batches import CaptionBatch
from seqlab.data.captions import CaptionDataModule
from seqlab.data.images import refuse_broken
from seqlab.data.spec import CaptionSpec
from seqlab.metrics.captioning import CaptionScores
from seqlab.metrics.likelihood import Likelihood
from seqlab.metrics.pointing import PointingAccuracy
from seqlab.models.ensemble import CaptioningEnsemble
from seqlab.models.interfaces import CaptioningModel, TeacherForced
from seqlab.tasks import generation
from seqlab.tasks.base import Outcome, Prediction, Schedule, Task
from seqlab.tasks.described import Described, describe, draw_gallery, ranked, words_of
from seqlab.tasks.objectives import objective, refuse_unknown_weights
from seqlab.viz.attention import attention_figure


class CaptioningTask(Task):
    """Maximum likelihood of captions, and their COCO scores.

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
    supplied_sizes: ClassVar = frozenset({"vocab_size", "pad_id"})
    monitor: ClassVar[str] = "val/cider"
    mode: ClassVar[Literal["min", "max"]] = "max"

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
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        self.model: CaptioningModel
        self.spec: CaptionSpec
        self.decoding = decoding
        self.auxiliary_weights = auxiliary_weights
        self.num_figures = num_figures
        self.likelihood = Likelihood()
        # METEOR starts a Java process: worth it once, at the test, not after every epoch.
        self.scores = CaptionScores(meteor=False)
        self.final_scores = CaptionScores(meteor=True)
        self.pointing = PointingAccuracy()
        self._to_draw: list[Described] = []
        refuse_unknown_weights(model, auxiliary_weights)
        if decoding.needs_attention:
            features = torch.zeros(1, model.backbone.channels, 2, 2)  # [B, D, h, w]
            generation.refuse_without_attention(model, features)

    @staticmethod
    def sizes(spec: CaptionSpec) -> dict[str, Any]:
        return {"vocab_size": len(spec.words), "pad_id": spec.pad_id}

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

    def batch_size(self, batch: CaptionBatch) -> int:
        return len(batch.tokens)

    def _features(self, batch: CaptionBatch) -> Tensor:
        """Feature maps [I, D, h, w] of the images, computed or kept."""
        if batch.features is not None:
            return batch.features.to(self.dtype)
        return self.model.backbone(batch.images)

    def _teach(self, features: Tensor, batch: CaptionBatch) -> TeacherForced:
        """Predictions for each caption."""
        return self.model(features[batch.image_index], batch.tokens, batch.lengths)

    def train_batch(self, batch: CaptionBatch) -> Outcome:
        forced = self._teach(self._features(batch), batch)
        nll = sequence_nll(forced.logits, batch.tokens[:, 1:], batch.lengths)  # [B]
        return objective(nll, forced.auxiliary, batch.lengths.sum(), self.auxiliary_weights)

    def decode(self, features: Tensor) -> Hypotheses:
        """Captions of feature maps [I, D, h, w]."""
        return generation.find(self.decoding, self.model, features, self.spec, may_be_unknown=False)

    def _evaluate(
        self, batch: CaptionBatch, batch_index: int, scores: CaptionScores
    ) -> tuple[Hypotheses, tuple[int, int]]:
        """Score a batch; its captions, and the grid (h, w) that their attention unfolds to."""
        counts = not self.is_repeated(batch_index)
        features = self._features(batch)
        forced = self._teach(features, batch)
        grid = (features.shape[-2], features.shape[-1])
        if counts:
            self.likelihood.update(forced.logits, batch.tokens, batch.lengths)
        if batch.masks is not None and batch.objects is not None and forced.weights is not None:
            named = batch.objects[:, 1:]  # [B, T]
            named = named if counts else torch.full_like(named, -1)
            self.pointing.update(forced.weights, grid, named, batch.masks, batch.image_index)
        found = self.decode(features)
        captions = [" ".join(words_of(best, self.spec)) for best in found.tokens[:, 0]]
        scores.update(batch.image_ids, captions, batch.references)
        return found, grid

    def _finish(self, split: str, scores: CaptionScores) -> None:
        values: dict[str, Any] = {**self.likelihood.compute(), **scores.compute()}
        if self.pointing.update_called:
            values["pointing_accuracy"] = self.pointing.compute()
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        for metric in (self.likelihood, self.pointing, scores):
            metric.reset()

    def validation_step(self, batch: CaptionBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index, self.scores)

    def on_validation_epoch_end(self) -> None:
        self._finish("val", self.scores)

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: CaptionBatch, batch_index: int) -> None:
        found, grid = self._evaluate(batch, batch_index, self.final_scores)
        for row, image_id in enumerate(batch.image_ids):
            described = describe(
                image_id, found, row, self.spec, places=grid, references=batch.references[row]
            )
            self.predictions.append(described.record)
            if len(self._to_draw) < self.num_figures:
                self._to_draw.append(described)

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split, self.final_scores)

    def signatures(self) -> dict[str, str]:
        return {"caption_signature": self.final_scores.signature()}

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
            grid = (features.shape[-2], features.shape[-1])
            found = self.decode(features)
            for row, (source, image) in enumerate(zip(sources, images, strict=True)):
                figure = output / f"{Path(source).stem}.png"
                described = describe(source, found, row, self.spec, places=grid)
                picture = image.permute(1, 2, 0).numpy()
                drawn = figures and self._draw_attention(picture, described, figure)
                hypotheses = ranked(found, row, self.spec)
                yield Prediction(source, hypotheses, figure if drawn else None)
