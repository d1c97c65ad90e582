"""Answer questions about facts that a memory holds."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from seqlab.components.margin import margin_ranking
from seqlab.config.errors import Problem, UserError
from seqlab.data.batches import QuestionBatch
from seqlab.data.question_dataset import questions_from_text, unknown_words
from seqlab.data.spec import QuestionSpec
from seqlab.data.story_lines import LineError, StoryQuestion, read_questions
from seqlab.metrics.question_answering import FAILED_ABOVE, QuestionScores
from seqlab.models.interfaces import Answered, QuestionAnswerer, Questions
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.objectives import objective, refuse_unknown_weights
from seqlab.tasks.replies import Reply
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.task_errors import task_figure

NUM_ANSWERS = 3  # that are told of each question, best first


class MemoryQATask(Task):
    """Cross-entropy of the answer over the vocabulary, and errors as bAbI reports them.

    Args:
        model: answers questions.
        spec: vocabulary, kinds of questions and sizes.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        auxiliary_weights: weights of auxiliary terms of the model by name, instead of the paper's.
        answer_margin: how far each wrong word has to stay below the answer, in the ranking loss of
            Weston et al. (2015), equation 8, which then is in the place of the cross-entropy.
        num_figures: of how many questions an evaluation draws the attention, of each task alike.
    """

    interface: ClassVar = QuestionAnswerer
    batch_type: ClassVar = QuestionBatch
    supplied_sizes: ClassVar = frozenset({"vocab_size", "pad_id", "max_facts", "max_words"})
    monitor: ClassVar[str] = "val/error"
    mode: ClassVar[Literal["min", "max"]] = "min"
    reads_lines: ClassVar = True
    example_input: ClassVar = "stories.txt"
    how_to_type: ClassVar = (
        "type a fact and press Enter, then the next; a line that ends in ? is answered from the "
        "facts so far, an empty line begins a new story"
    )

    def __init__(
        self,
        *,
        model: QuestionAnswerer,
        spec: QuestionSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        auxiliary_weights: dict[str, float],
        answer_margin: float | None,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        refuse_unknown_weights(model, auxiliary_weights)
        if answer_margin is not None and answer_margin <= 0:
            message = "is above 0, or null for the cross-entropy"
            given = str(answer_margin)
            raise UserError([Problem(key="task.answer_margin", given=given, message=message)])
        self.model: QuestionAnswerer
        self.spec: QuestionSpec
        self.auxiliary_weights = auxiliary_weights
        self.answer_margin = answer_margin
        self.num_figures = num_figures
        self.scores = QuestionScores(tasks=spec.tasks, per_task=False)
        # Twenty tasks are too much for the line after each epoch.
        self.final_scores = QuestionScores(tasks=spec.tasks, per_task=True)
        self._errors: dict[str, float] = {}  # by task, of the last evaluation
        self._to_draw: dict[int, dict[int, tuple[str, Reply]]] = {}  # by task and number

    @staticmethod
    def sizes(spec: QuestionSpec) -> dict[str, Any]:
        return {
            "vocab_size": len(spec.words),
            "pad_id": spec.pad_id,
            "max_facts": spec.max_facts,
            "max_words": spec.max_words,
        }

    def example_ids(self, batch: QuestionBatch) -> Sequence[str]:
        return batch.example_ids

    def batch_size(self, batch: QuestionBatch) -> int:
        return len(batch.answers)

    def on_train_start(self) -> None:
        # A run that goes on in the middle of an epoch has no start of it.
        self.model.begin_epoch(self.current_epoch)

    def on_train_epoch_start(self) -> None:
        self.model.begin_epoch(self.current_epoch)

    def _answer(self, batch: QuestionBatch, supporting: Tensor | None = None) -> Answered:
        questions = Questions(
            batch.facts, batch.num_facts, batch.question, batch.keys, batch.values
        )
        return self.model(questions, supporting)

    def train_batch(self, batch: QuestionBatch) -> Outcome:
        answered = self._answer(batch, batch.supporting)
        losses = self._losses(answered.logits, batch)  # [B]
        weights = self.auxiliary_weights
        outcome = objective(losses, answered.auxiliary, len(batch.answers), weights)
        right = answered.logits.argmax(dim=1) == batch.answers  # [B]
        return Outcome(outcome.objective, {**outcome.logged, "accuracy": right.float().mean()})

    def _losses(self, logits: Tensor, batch: QuestionBatch) -> Tensor:
        """The loss of each answer, [B]."""
        # In full precision: under autocast a sum over the vocabulary in bf16 loses the rare words.
        logits = logits.float()  # [B, V]
        if self.answer_margin is None:
            return F.cross_entropy(logits, batch.answers, reduction="none")
        # The other right answers need not stay below the one that is learnt.
        words = torch.arange(logits.shape[1], device=logits.device)  # [V]
        right = (batch.accepted.unsqueeze(2) == words).any(dim=1)  # [B, V]
        right = right.scatter(1, batch.answers.unsqueeze(1), False)  # [B, V]
        wrong = logits.masked_fill(right, -torch.inf)  # [B, V]
        return margin_ranking(wrong, batch.answers, self.answer_margin)

    def _evaluate(self, batch: QuestionBatch, batch_index: int, scores: QuestionScores) -> Answered:
        """Score a batch; what was answered."""
        answered = self._answer(batch)
        if not self.is_repeated(batch_index):
            scores.update(answered.logits, batch.answers, batch.accepted, batch.tasks)
            if answered.attention is not None and batch.supporting is not None:
                scores.update_pointing(answered.attention, batch.num_facts, batch.supporting)
        return answered

    def _finish(self, split: str, scores: QuestionScores) -> dict[str, float]:
        values = {name: float(value) for name, value in scores.compute().items()}
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": value for name, value in values.items()})
        scores.reset()
        return values

    def validation_step(self, batch: QuestionBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index, self.scores)

    def on_validation_epoch_end(self) -> None:
        self._finish("val", self.scores)

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw, self._errors = [], {}, {}

    def test_step(self, batch: QuestionBatch, batch_index: int) -> None:
        answered = self._evaluate(batch, batch_index, self.final_scores)
        tasks = batch.tasks.tolist()
        for row, reply in enumerate(self._replies(batch, answered)):
            name, best = batch.example_ids[row], reply.ranked[0]
            self.predictions.append(
                {
                    "id": name,
                    "question": reply.question,
                    "answer": best.text,
                    "log_probability": round(best.log_probability, 4),
                    **reply.record(),
                }
            )
            self._keep_to_draw(tasks[row], name, reply)

    def _keep_to_draw(self, task: int, name: str, reply: Reply) -> None:
        """Keep the replies to the first questions of each task, as many as may be drawn."""
        first = self._to_draw.setdefault(task, {})
        first[_number(name)] = name, reply
        if len(first) > self.num_figures:
            del first[max(first)]

    def on_test_epoch_end(self) -> None:
        values = self._finish(self.evaluated_split, self.final_scores)
        errors = {task: values.get(f"error_{task}") for task in self.spec.tasks}
        self._errors = {task: error for task, error in errors.items() if error is not None}
        places = {name: place for place, name in enumerate(self.spec.tasks)}
        self.predictions.sort(
            key=lambda each: (places.get(each["id"].split(":")[0], 0), _number(each["id"]))
        )

    def tables(self) -> list[Table]:
        if len(self._errors) < 2:
            return []
        rows = tuple(
            (
                Cell(task),
                Cell(f"{100 * error:.1f}", error),
                Cell("failed" if error > FAILED_ABOVE else ""),
            )
            for task, error in self._errors.items()
        )
        names = tuple(f"{self.evaluated_split}/error_{task}" for task in self._errors)
        title = f"error on {self.evaluated_split} of each task; failed above 5 %"
        return [Table(title, ("task", "error %", ""), tuple(rows), names)]

    def draw(self, folder: Path) -> list[Path]:
        written = []
        for name, reply in self._chosen_to_draw():
            path = folder / f"hops_{name.replace(':', '_')}.png"
            if reply.draw(path):
                written.append(path)
        if len(self._errors) > 1:
            written.append(folder / "tasks.png")
            errors = list(self._errors.values())
            task_figure(list(self._errors), errors, written[-1], failed_above=FAILED_ABOVE)
        return written

    def _chosen_to_draw(self) -> list[tuple[str, Reply]]:
        """The first of each task, then the second of each, and so on."""
        ranked = [
            (rank, task, *replies[number])
            for task, replies in self._to_draw.items()
            for rank, number in enumerate(sorted(replies))
        ]
        ranked.sort(key=lambda each: each[:2])
        return [(name, reply) for _, _, name, reply in ranked[: self.num_figures]]

    def _replies(self, batch: QuestionBatch, answered: Answered) -> Iterator[Reply]:
        """What was answered to each question, as text."""
        log_probabilities = answered.logits.float().log_softmax(dim=1)  # [B, V]
        best = log_probabilities.topk(min(NUM_ANSWERS, len(self.spec.words)), dim=1)
        words, values = best.indices.tolist(), best.values.tolist()
        accepted = batch.accepted.tolist()
        needed = None if batch.supporting is None else batch.supporting.tolist()
        attention = None if answered.attention is None else answered.attention.float().cpu().numpy()
        for row, facts in enumerate(batch.fact_texts):
            ranked = zip(words[row], values[row], strict=True)
            yield Reply(
                question=batch.question_texts[row],
                facts=facts,
                supporting=None if needed is None else tuple(f for f in needed[row] if f >= 0),
                accepted=tuple(self.spec.words[n] for n in accepted[row] if n >= 0),
                ranked=tuple(Hypothesis(self.spec.words[n], value, value) for n, value in ranked),
                attention=None if attention is None else attention[row, :, : len(facts)],
            )

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
        """Answer the questions among lines, `batch_size` at a time; see `seqlab.data.story_lines`.

        The figure of the seventh question is `7.png` in the folder `output`.
        """
        number = 0
        for read in read_questions(inputs, batch_size):
            if isinstance(read, LineError):
                yield Prediction(read.line, (), None, notes=(str(read),))
                continue
            for asked, reply in self._reply_to(read):
                if isinstance(reply, ValueError):
                    yield Prediction(asked.text, (), None, notes=(str(reply),))
                    continue
                number += 1
                figure = output / f"{number}.png" if figures else None
                unknown = unknown_words(self.spec, [*asked.facts, asked.text])
                yield reply.prediction(figure, unknown)

    def _reply_to(
        self, questions: Sequence[StoryQuestion]
    ) -> Iterator[tuple[StoryQuestion, Reply | ValueError]]:
        """A reply to each question, or why there is none."""
        if not questions:
            return
        try:
            batch = questions_from_text(self.spec, [(each.facts, each.text) for each in questions])
        except ValueError as error:  # a fact that does not have the form that the slots need
            if len(questions) == 1:
                yield questions[0], error
                return
            for each in questions:
                yield from self._reply_to([each])
            return
        batch = self.transfer_batch_to_device(batch, self.device, 0)
        replies = self._replies(batch, self._answer(batch))
        for each, reply in zip(questions, replies, strict=True):
            # Which facts it needs can be marked where each is one row.
            needed = each.supporting if len(reply.facts) == len(each.facts) else None
            yield each, reply._replace(supporting=needed, accepted=each.answers)


def _number(name: str) -> int:
    """The number of an example named such as `qa3:test:17`."""
    return int(name.rpartition(":")[2])
