"""Describe a video in words."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from seqlab.components.decoding.interface import Search
from seqlab.components.tree import map_tensors
from seqlab.data.batches import VideoCaptionBatch
from seqlab.data.spec import VideoCaptionSpec
from seqlab.data.video_captions import VideoCaptionDataModule
from seqlab.metrics.pointing import TellingAttention
from seqlab.models.ensemble import VideoCaptioningEnsemble
from seqlab.models.interfaces import Footage, TeacherForced, VideoCaptioningModel
from seqlab.tasks.base import Prediction, Schedule
from seqlab.tasks.described import Described, describe, draw_gallery, figure_name, ranked
from seqlab.tasks.describing import DescribingTask
from seqlab.viz.video import save_moving_picture
from seqlab.viz.video_captions import caption_strip


class VideoCaptioningTask(DescribingTask):
    """Maximum likelihood of captions of videos, and their COCO scores.

    Args:
        model: a video captioning model.
        spec: vocabulary and size of the frames.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        decoding: how captions are searched for, in validation and test.
        auxiliary_weights: weights of auxiliary terms of the model by name, instead of the paper's.
        num_figures: how many videos of an evaluation are drawn.
    """

    interface: ClassVar = VideoCaptioningModel
    batch_type: ClassVar = VideoCaptionBatch
    example_input: ClassVar = "videos/*.mp4"

    def __init__(
        self,
        *,
        model: VideoCaptioningModel,
        spec: VideoCaptionSpec,
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
            looking=TellingAttention(),
        )
        self.model: VideoCaptioningModel
        self.spec: VideoCaptionSpec
        self._to_draw: list[_Shown] = []

    @classmethod
    def ensemble(cls, models: Sequence[VideoCaptioningModel]) -> VideoCaptioningEnsemble:
        return VideoCaptioningEnsemble(members=models)

    def example_ids(self, batch: VideoCaptionBatch) -> Sequence[str]:
        return batch.example_ids

    @torch.no_grad()
    def look_at_nothing(self) -> Any:
        """A black video, of which nothing is learnt."""
        was_training = self.model.training
        frames = torch.zeros(1, 2, 3, self.spec.height, self.spec.width)  # [B, F, 3, height, width]
        seen = self.model.eval().watch(Footage(frames, torch.tensor([2])))
        self.model.train(was_training)
        return seen

    def look(self, batch: VideoCaptionBatch) -> Any:
        """What the model has watched, of each of the V videos."""
        return self.model.watch(Footage(batch.frames, batch.frame_counts))

    def teach(self, seen: Any, batch: VideoCaptionBatch) -> TeacherForced:
        described = map_tensors(lambda each: each[batch.video_index], seen)
        return self.model(described, batch.tokens, batch.lengths)

    def measure_looking(
        self, forced: TeacherForced, seen: Any, batch: VideoCaptionBatch, counts: bool
    ) -> None:
        if batch.telling is None or forced.weights is None:
            return
        telling = batch.telling[batch.video_index]  # [B, F]
        telling = telling if counts else torch.zeros_like(telling)
        self.looking.update(forced.weights, batch.lengths, telling)

    def looking_scores(self) -> dict[str, Tensor]:
        return self.looking.compute()

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], []

    def test_step(self, batch: VideoCaptionBatch, batch_index: int) -> None:
        _, found = self.evaluate(batch, batch_index, self.final_scores)
        for row, name in enumerate(batch.example_ids):
            count = int(batch.frame_counts[row])
            described = describe(
                name, found, row, self.spec, places=(count,), references=batch.references[row]
            )
            self.predictions.append(described.record)
            if len(self._to_draw) < self.num_figures:
                telling = None if batch.telling is None else batch.telling[row, :count]
                self._to_draw.append(_shown(described, batch.frames[row, :count], telling))

    def draw(self, folder: Path) -> list[Path]:
        if not self._to_draw:
            return []
        written = [folder / "captions.png"]
        middles = [shown.frames[len(shown.frames) // 2] for shown in self._to_draw]
        draw_gallery(middles, [shown.described for shown in self._to_draw], written[0])
        for shown in self._to_draw:
            written.append(folder / f"{figure_name(shown.described.name)}.png")
            shown.draw(written[-1])
        return written

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: VideoCaptionDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Caption video files, one at a time.

        For `goal.mp4` the folder `output` gets `goal.png`, frames with the caption and where the
        model looked, and `goal.gif`, which moves.

        Raises:
            DataError: a file is no video.
        """
        for file in inputs:
            frames, seconds = datamodule.open_video(Path(file))  # [F, 3, height, width]
            lengths = torch.tensor([len(frames)], device=self.device)  # [1]
            seen = self.model.watch(Footage(frames.unsqueeze(0).to(self.device), lengths))
            found = self.decode(seen)
            hypotheses = ranked(found, 0, self.spec)
            if not figures:
                yield Prediction(file, hypotheses, None)
                continue
            described = describe(file, found, 0, self.spec, places=(len(frames),))
            shown = _shown(described, frames, None)
            figure, moving = (output / f"{Path(file).stem}{ending}" for ending in (".png", ".gif"))
            shown.draw(figure)
            shown.draw_moving(moving, len(frames) / seconds)
            yield Prediction(
                file,
                hypotheses,
                figure,
                notes=(f"{moving} moves",),
                record={"moving": str(moving)},
            )


class _Shown(NamedTuple):
    """A video with its caption, kept to be drawn."""

    described: Described
    frames: np.ndarray  # bytes [F, height, width, 3]
    telling: np.ndarray | None  # [F]

    def draw(self, path: Path) -> None:
        """Frames, the caption and the attention at each word."""
        caption_strip(
            self.frames,
            self.described.words,
            path,
            weights=self.described.weights,
            telling=self.telling,
            references=self.described.references,
        )

    def draw_moving(self, path: Path, frame_rate: float) -> None:
        """A GIF with the caption below it."""
        said = (self.described.caption, float(np.exp(self.described.log_probability)))
        save_moving_picture(self.frames, [said] * len(self.frames), path, frame_rate=frame_rate)


def _shown(described: Described, frames: Tensor, telling: Tensor | None) -> _Shown:
    """What is drawn of frames [F, 3, height, width] of which telling [F] are those that matter."""
    pixels = (255 * frames).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return _Shown(described, pixels, None if telling is None else telling.cpu().numpy())
