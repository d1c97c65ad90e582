"""Learn an algorithm from examples of what it does."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.optim import Optimizer

from seqlab.components.losses import output_nll
from seqlab.components.replay import Replayed
from seqlab.config.errors import Problem, UserError
from seqlab.data.algorithmic import AlgorithmicDataModule, together
from seqlab.data.batches import AlgorithmicBatch
from seqlab.data.spec import AlgorithmicSpec
from seqlab.data.synthetic.algorithms.interface import Examples
from seqlab.metrics.algorithmic import PER_DIFFICULTY, SequenceErrors, decide, wrong_outputs
from seqlab.models.interfaces import AlgorithmicModel
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.tables import Cell, Table
from seqlab.tasks.written import Written, written
from seqlab.viz.length_scores import length_figure

# Shares are of some hundred sequences; as floats they may lie this far off: 1 - 0.99 is more
# than 0.01.
_ROUNDING = 1e-6


def is_within(share: float, allowed: float) -> bool:
    """Whether a share of sequences is no more than is allowed."""
    return share <= allowed + _ROUNDING


class AlgorithmicTask(Task):
    """Maximum likelihood of what an algorithm gives out.

    The objective is the mean over the scored outputs of a sequence, and then over the batch: a
    learning rate means the same whatever the length.

    A task counts as solved at the first validation of which no more sequences are wrong than
    `solved_error` says. `samples_until_solved` is how many training examples were seen by then, as
    Kalchbrenner et al. (2016) plot it; it is not there while the task is unsolved.

    Args:
        model: maps sequences to sequences.
        spec: what the algorithm reads and writes.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        solved_error: share of wrong sequences at which the task counts as solved.
        stop_when_solved: whether training ends there.
        cuda_graphs: whether one GPU replays the kernels of the steps that it has recorded, one of
            each shape; without a GPU, or on several, nothing is recorded.
        num_figures: of how many sequences an evaluation draws what was written, one of each
            difficulty.
    """

    interface: ClassVar = AlgorithmicModel
    batch_type: ClassVar = AlgorithmicBatch
    supplied_sizes: ClassVar = frozenset({"input_dim", "output_dim", "num_steps"})
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar[Literal["min", "max"]] = "min"
    reads_lines: ClassVar = True
    example_input: ClassVar = "lines.txt"

    samples_seen: Tensor
    samples_until_solved: Tensor

    def __init__(
        self,
        *,
        model: AlgorithmicModel,
        spec: AlgorithmicSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        solved_error: float,
        stop_when_solved: bool,
        cuda_graphs: bool,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        if not 0 <= solved_error < 1:
            raise UserError(
                [
                    Problem(
                        key="task.solved_error",
                        given=str(solved_error),
                        message="it is a share of the sequences, from 0 to below 1",
                    )
                ]
            )
        self.model: AlgorithmicModel
        self.spec: AlgorithmicSpec
        self.solved_error, self.stop_when_solved = solved_error, stop_when_solved
        self.num_figures, self.cuda_graphs = num_figures, cuda_graphs
        self.replayed = Replayed(model)
        self.bits = spec.outputs == "bits"
        self.errors = SequenceErrors(bits=self.bits, by_difficulty=False)
        self.final_errors = SequenceErrors(bits=self.bits, by_difficulty=True)
        # Buffers, so that a run that goes on counts on.
        self.register_buffer("samples_seen", torch.zeros((), dtype=torch.long))
        self.register_buffer("samples_until_solved", torch.full((), -1))

    @staticmethod
    def sizes(spec: AlgorithmicSpec) -> dict[str, Any]:
        return {
            "input_dim": spec.input_dim,
            "output_dim": spec.output_dim,
            "num_steps": spec.num_steps,
        }

    def example_ids(self, batch: AlgorithmicBatch) -> Sequence[str]:
        return batch.example_ids

    def batch_size(self, batch: AlgorithmicBatch) -> int:
        return len(batch.inputs)

    def train_batch(self, batch: AlgorithmicBatch) -> Outcome:
        replays = self.cuda_graphs and self.trainer.world_size == 1
        model = self.replayed if replays else self.model
        logits = model(batch.inputs, batch.lengths)  # [B, T, O]
        nll, num_outputs = output_nll(logits, batch.targets, batch.scored)  # [B], [B]
        self.samples_seen += len(nll) * self.trainer.world_size
        loss = (nll / num_outputs).mean()
        return Outcome(loss, {"loss": loss, "samples": self.samples_seen.float()})

    def _evaluate(
        self, batch: AlgorithmicBatch, batch_index: int, errors: SequenceErrors
    ) -> Tensor:
        """Score a batch; its logits [B, T, O]."""
        logits = self.model(batch.inputs, batch.lengths)
        if not self.is_repeated(batch_index):
            errors.update(
                logits, batch.targets, batch.scored, batch.difficulties, batch.optimal_bits
            )
        return logits

    def _finish(self, split: str, errors: SequenceErrors) -> dict[str, float]:
        # Every rank has synchronised already and holds the same numbers.
        values = {name: float(value) for name, value in errors.compute().items()}
        errors.reset()
        return {f"{split}/{name}": value for name, value in values.items()}

    def validation_step(self, batch: AlgorithmicBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index, self.errors)

    def on_validation_epoch_end(self) -> None:
        values = self._finish("val", self.errors)
        if not self.is_solved and is_within(1 - values["val/accuracy"], self.solved_error):
            self.samples_until_solved.copy_(self.samples_seen)
        if self.is_solved:
            values["val/samples_until_solved"] = float(self.samples_until_solved)
            if self.stop_when_solved and self.trainer.state.fn == TrainerFn.FITTING:
                self.trainer.should_stop = True
        self.log_dict(values)

    @property
    def is_solved(self) -> bool:
        """Whether a validation has found few enough errors."""
        return int(self.samples_until_solved) >= 0

    def on_fit_end(self) -> None:
        self.replayed.forget()

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw, self._values = [], {}, {}

    def test_step(self, batch: AlgorithmicBatch, batch_index: int) -> None:
        logits = self._evaluate(batch, batch_index, self.final_errors)
        wrong = wrong_outputs(decide(logits, bits=self.bits), batch.targets, batch.scored)  # [B]
        algorithm = self.trainer.datamodule.algorithm
        for row, name in enumerate(batch.example_ids):
            each, difficulty = written(batch, logits, row), int(batch.difficulties[row])
            self.predictions.append(
                {
                    "id": name,
                    "difficulty": difficulty,
                    "question": algorithm.question(each.inputs),
                    "answer": algorithm.answer(each.outputs[each.scored]),
                    "target": algorithm.answer(each.targets[each.scored]),
                    "wrong": int(wrong[row]),
                }
            )
            if len(self._to_draw) < self.num_figures:
                self._to_draw.setdefault(difficulty, each)

    def on_test_epoch_end(self) -> None:
        self._values = self._finish(self.evaluated_split, self.final_errors)
        self.log_dict(self._values)

    def _by_difficulty(self) -> dict[int, dict[str, float]]:
        """The errors of the last evaluation, by difficulty and name."""
        found: dict[int, dict[str, float]] = {}
        for key, value in self._values.items():
            name, _, difficulty = key.partition("/")[2].rpartition("_")
            if name in PER_DIFFICULTY and difficulty.isdigit():
                found.setdefault(int(difficulty), {})[name] = value
        return found

    def tables(self) -> list[Table]:
        found = self._by_difficulty()
        if len(found) < 2:
            return []
        unit = self.trainer.datamodule.algorithm.difficulty_unit
        names = tuple(next(iter(found.values())))
        rows = tuple(
            (Cell(str(difficulty)), *(Cell(f"{values[name]:.4g}") for name in names))
            for difficulty, values in found.items()
        )
        shown = tuple(key for key in self._values if key.rpartition("_")[2].isdigit())
        title = f"{self.evaluated_split} by number of {unit}"
        return [Table(title, (unit, *names), rows, shown)]

    def draw(self, folder: Path) -> list[Path]:
        paths = []
        for difficulty, each in self._to_draw.items():
            if each.has_steps:
                paths.append(folder / f"sequence_{difficulty}.png")
                each.draw(paths[-1])
        found = self._by_difficulty()
        # Of several processes each kept a share of the sequences, whose number the bars say.
        if len(found) > 1 and self.trainer.world_size == 1:
            paths.append(folder / "errors_by_difficulty.png")
            self._draw_errors(found, paths[-1])
        return paths

    def _draw_errors(self, found: dict[int, dict[str, float]], path: Path) -> None:
        """The first error of each difficulty: wrong bits, or what is right where there are none."""
        name = next(iter(next(iter(found.values()))))
        counts = Counter(each["difficulty"] for each in self.predictions)
        length_figure(
            [(difficulty, difficulty) for difficulty in found],
            [values[name] for values in found.values()],
            [counts[difficulty] for difficulty in found],
            path,
            metric=name,
            length=self.trainer.datamodule.algorithm.difficulty_unit,
            examples="sequences",
        )

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: AlgorithmicDataModule,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Answer lines, `batch_size` at a time; the figure of line 7 is `7.png` in `output`.

        The answer to a line without words is one without words; to one that the algorithm does not
        understand there is none.
        """
        number = 0
        while lines := list(islice(inputs, batch_size)):
            found = [_read(line, datamodule) for line in lines]
            answered = self._write([each for each in found if isinstance(each, Examples)])
            for line, read in zip(lines, found, strict=True):
                number += 1
                if isinstance(read, str):  # why it is not understood
                    yield Prediction(line, (), None, notes=(read,))
                    continue
                if read is None:
                    yield Prediction(line, (Hypothesis("", 0.0, 0.0),), None)
                    continue
                each, log_probability = next(answered)
                text = datamodule.algorithm.answer(each.outputs[each.scored])
                figure = None
                if figures and each.has_steps:
                    figure = output / f"{number}.png"
                    each.draw(figure)
                yield Prediction(
                    line, (Hypothesis(text, log_probability, log_probability),), figure
                )

    def _write(self, examples: Sequence[Examples]) -> Iterator[tuple[Written, float]]:
        """What the model makes of each, and the log-probability of that."""
        if not examples:
            return
        batch = together(examples, self.device)
        logits = self.model(batch.inputs, batch.lengths)
        outputs = decide(logits, bits=self.bits)
        nll, _ = output_nll(logits, outputs, batch.scored)  # [B]
        for row, value in enumerate(nll.tolist()):
            yield written(batch, logits, row), -value


def _read(line: str, datamodule: AlgorithmicDataModule) -> Examples | str | None:
    """The example of a line; why there is none; None where it has no word."""
    if not line:
        return None
    try:
        return datamodule.read_line(line)
    except ValueError as error:
        return str(error)
