"""Say to which class a video belongs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from seqlab.config.errors import Problem, UserError, nearest
from seqlab.data.batches import ClipBatch
from seqlab.data.spec import ClipSpec
from seqlab.metrics.video import TOP, Videos, VideoScores, accuracies, confusion
from seqlab.models.interfaces import VideoClassifier
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.shown_clips import ShownVideo, draw_filters, draw_looks
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.class_scores import class_figure
from seqlab.viz.confusion import confusion_figure


class VideoClassificationTask(Task):
    """Cross-entropy of a clip's class; in evaluation what is said of a video's clips is averaged.

    Args:
        model: scores clips.
        spec: the classes and the size of a clip.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        num_figures: how many videos of an evaluation are drawn.
        saliency: whether they are drawn with how much each pixel moves the score of the class that
            was said.
        deconvolution: names of layers, such as conv2a, of whose most excited units is drawn what of
            the pixels excites them.

    Raises:
        UserError: the model has no such layer.
    """

    interface: ClassVar = VideoClassifier
    batch_type: ClassVar = ClipBatch
    supplied_sizes: ClassVar = frozenset({"num_classes", "num_frames", "height", "width"})
    example_input: ClassVar = "videos/*.mp4"
    monitor: ClassVar[str] = "val/video_accuracy"
    mode: ClassVar[Literal["min", "max"]] = "max"

    def __init__(
        self,
        *,
        model: VideoClassifier,
        spec: ClipSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        num_figures: int,
        saliency: bool,
        deconvolution: Sequence[str],
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        _refuse_unknown_layers(model, deconvolution)
        self.model: VideoClassifier
        self.spec: ClipSpec
        self.num_figures = num_figures
        self.saliency = saliency
        self.deconvolution = tuple(deconvolution)
        self.scores = VideoScores()
        self.loss = MeanMetric()
        self._matrix = torch.zeros(0)  # of the last evaluation, [C, C]
        self._names: dict[int, str] = {}  # of the videos of an evaluation, by number
        self._shown: dict[int, ShownVideo] = {}  # those that are drawn, by number

    @staticmethod
    def sizes(spec: ClipSpec) -> dict[str, Any]:
        return {
            "num_classes": len(spec.classes),
            "num_frames": spec.num_frames,
            "height": spec.height,
            "width": spec.width,
        }

    def example_ids(self, batch: ClipBatch) -> Sequence[str]:
        return batch.example_ids

    def batch_size(self, batch: ClipBatch) -> int:
        return len(batch.clips)

    def train_batch(self, batch: ClipBatch) -> Outcome:
        logits = self.model(batch.clips).float()  # [B, C]
        loss = F.cross_entropy(logits, batch.labels)
        right = (logits.argmax(dim=1) == batch.labels).float().mean()
        return Outcome(loss, {"loss": loss, "clip_accuracy": right})

    def _evaluate(self, batch: ClipBatch, batch_index: int) -> Tensor:
        """Score a batch; the probabilities [B, C] of its clips."""
        logits = self.model(batch.clips).float()  # [B, C]
        probabilities = logits.softmax(dim=1)  # [B, C]
        if not self.is_repeated(batch_index):
            self.scores.update(probabilities, batch.labels, batch.videos)
            self.loss.update(F.cross_entropy(logits, batch.labels), len(logits))
        return probabilities

    def _finish(self, split: str) -> Videos:
        videos = self.scores.compute()
        values = {"loss": self.loss.compute(), **accuracies(videos)}
        self._matrix = confusion(videos).cpu()  # [C, C]
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        self.loss.reset()
        self.scores.reset()
        return videos

    def validation_step(self, batch: ClipBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index)

    def on_validation_epoch_end(self) -> None:
        self._finish("val")

    def on_test_epoch_start(self) -> None:
        self.predictions, self._names, self._shown = [], {}, {}

    def test_step(self, batch: ClipBatch, batch_index: int) -> None:
        probabilities = self._evaluate(batch, batch_index)
        for row, number in enumerate(batch.videos.tolist()):
            self._names[number] = batch.example_ids[row]
            if number not in self._shown and len(self._shown) < self.num_figures:
                truth = self.spec.classes[int(batch.labels[row])]
                self._shown[number] = ShownVideo(batch.example_ids[row], truth, self.spec)
            if number in self._shown:
                start = float(batch.starts[row])
                self._shown[number].add(batch.clips[row], start, probabilities[row])

    def on_test_epoch_end(self) -> None:
        videos = self._finish(self.evaluated_split)
        best = videos.probabilities.max(dim=1)
        rows = zip(
            videos.numbers.reshape(-1).tolist(),
            videos.labels.reshape(-1).tolist(),
            best.indices.tolist(),
            best.values.tolist(),
            strict=True,
        )
        for number, label, said, probability in rows:
            if number in self._names:  # of this process
                self.predictions.append(
                    {
                        "id": self._names[number],
                        "answer": self.spec.classes[said],
                        "label": self.spec.classes[label],
                        "probability": round(probability, 4),
                    }
                )

    def tables(self) -> list[Table]:
        if not len(self._matrix):
            return []
        shown = [name for name, count in self._of_classes() if count]
        rows = []
        for index, (name, count) in enumerate(self._of_classes()):
            if not count:
                continue
            right = float(self._matrix[index, index])
            said = float(self._matrix[:, index].sum())
            rows.append(
                (
                    Cell(name),
                    Cell(str(int(count))),
                    Cell(f"{100 * right / count:.1f}", right / count),
                    Cell(f"{100 * right / said:.1f}" if said else "-"),
                )
            )
        title = f"{len(shown)} classes of {self.evaluated_split}"
        columns = ("class", "videos", "found %", "right when said %")
        return [Table(title, columns, tuple(rows))]

    def _of_classes(self) -> Iterator[tuple[str, float]]:
        """Each class, and how many videos of the last evaluation are of it."""
        yield from zip(self.spec.classes, self._matrix.sum(dim=1).tolist(), strict=True)

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for shown in self._shown.values():
            name = shown.file_name
            paths.append(folder / f"{name}.png")
            shown.draw(paths[-1])
            if self.saliency or self.deconvolution:
                paths.append(folder / f"{name}_seen.png")
                draw_looks(self.model, shown, paths[-1], self.saliency, self.deconvolution)
        if draw_filters(self.model, folder / "filters.png"):
            paths.append(folder / "filters.png")
        if len(self._matrix):
            found = self._matrix.diagonal() / self._matrix.sum(dim=1)  # [C], NaN of no video
            paths += [folder / "classes.png", folder / "confusion.png"]
            class_figure(self.spec.classes, found.numpy(), paths[-2], score="videos found")
            confusion_figure(self._matrix.numpy(), self.spec.classes, paths[-1])
        return paths

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: Any,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Classify video files, one at a time, `batch_size` clips at once.

        For `goal.mp4` the folder `output` gets `goal.png`, frames and probabilities over time, and
        `goal.gif`, which moves.

        Raises:
            DataError: a file is no video, or too short.
        """
        for file in inputs:
            batch: ClipBatch = datamodule.open_video(Path(file))
            shown = ShownVideo(file, None, self.spec)
            for clips, starts in zip(
                batch.clips.split(batch_size), batch.starts.split(batch_size), strict=True
            ):
                logits = self.model(clips.to(self.device)).float()  # [B, C]
                for row, probabilities in enumerate(logits.softmax(dim=1)):
                    shown.add(clips[row], float(starts[row]), probabilities)
            yield self._prediction(file, shown, output if figures else None)

    def _prediction(self, file: str, shown: ShownVideo, output: Path | None) -> Prediction:
        mean = torch.from_numpy(shown.probabilities().mean(axis=0)).log()  # [C]
        best = mean.topk(min(TOP, len(self.spec.classes)))
        ranked = tuple(
            Hypothesis(self.spec.classes[index], value, value)
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        )
        record = {"clips": shown.record()}
        if output is None:
            return Prediction(file, ranked, None, record=record, is_choice=True)
        figure, moving = (output / f"{Path(file).stem}{ending}" for ending in (".png", ".gif"))
        shown.draw(figure)
        shown.draw_moving(moving)
        record["moving"] = str(moving)
        notes = (f"{moving} moves",)
        return Prediction(file, ranked, figure, notes=notes, record=record, is_choice=True)


def _refuse_unknown_layers(model: VideoClassifier, layers: Sequence[str]) -> None:
    """Only what a trunk of named layers has can be projected back.

    Raises:
        UserError: it has no such layer, or there is no such trunk.
    """
    trunk = getattr(model, "trunk", None)
    known = [] if trunk is None else list(trunk())
    problems = []
    for name in layers:
        if not known:
            message = f"{type(model).__name__} has no layers that could be projected back"
            problems.append(Problem(key="task.deconvolution", given=name, message=message))
        elif name not in known:
            problems.append(
                Problem(
                    key="task.deconvolution",
                    given=name,
                    message="is no layer of the trunk",
                    allowed=tuple(known),
                    nearest=nearest(name, known),
                )
            )
    if problems:
        raise UserError(problems)
