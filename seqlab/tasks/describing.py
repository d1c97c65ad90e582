"""What describing images and describing videos share: loss, search and scores of captions."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import Metric

from seqlab.components.decoding.interface import Hypotheses, Search
from seqlab.components.losses import sequence_nll
from seqlab.data.spec import CaptionSpec, VideoCaptionSpec
from seqlab.metrics.captioning import CaptionScores
from seqlab.metrics.likelihood import Likelihood
from seqlab.models.interfaces import SequenceGenerator, TeacherForced
from seqlab.tasks import generation
from seqlab.tasks.base import Outcome, Schedule, Task
from seqlab.tasks.described import words_of
from seqlab.tasks.objectives import objective, refuse_unknown_weights


class DescribingTask(Task):
    """Maximum likelihood of captions, and their COCO scores.

    A batch has things that are described, each once, and captions (`tokens`, `lengths`), and says
    what people said of each thing (`references`). What a model `look`s at it looks at once, however
    many captions there are of it.

    Args:
        model: a model that describes.
        spec: has the vocabulary.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        decoding: how captions are searched for, in validation and test.
        auxiliary_weights: weights of auxiliary terms of the model by name, instead of the paper's.
        num_figures: how many things of an evaluation are drawn.
        looking: measures where the model looks.
    """

    supplied_sizes: ClassVar = frozenset({"vocab_size", "pad_id"})
    monitor: ClassVar[str] = "val/cider"
    mode: ClassVar[Literal["min", "max"]] = "max"

    def __init__(
        self,
        *,
        model: SequenceGenerator,
        spec: CaptionSpec | VideoCaptionSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        decoding: Search,
        auxiliary_weights: dict[str, float],
        num_figures: int,
        looking: Metric,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        refuse_unknown_weights(model, auxiliary_weights)
        if decoding.needs_attention:
            generation.refuse_without_attention(model, self.look_at_nothing())
        self.decoding = decoding
        self.auxiliary_weights = auxiliary_weights
        self.num_figures = num_figures
        self.likelihood = Likelihood()
        # METEOR starts a Java process: worth it once, at the test, not after every epoch.
        self.scores = CaptionScores(meteor=False)
        self.final_scores = CaptionScores(meteor=True)
        self.looking = looking

    @staticmethod
    def sizes(spec: CaptionSpec | VideoCaptionSpec) -> dict[str, Any]:
        return {"vocab_size": len(spec.words), "pad_id": spec.pad_id}

    def batch_size(self, batch: Any) -> int:
        return len(batch.tokens)

    @abstractmethod
    def look_at_nothing(self) -> Any:
        """What the model's `encode` takes, of one thing."""

    @abstractmethod
    def look(self, batch: Any) -> Any:
        """What the model's `encode` takes, of each thing of a batch once."""

    @abstractmethod
    def teach(self, seen: Any, batch: Any) -> TeacherForced:
        """Predictions for each caption."""

    @abstractmethod
    def measure_looking(self, forced: TeacherForced, seen: Any, batch: Any, counts: bool) -> None:
        """Tell `looking` where the model has looked, where anybody knows where it should.

        A batch that does not count must be told of too, as one without anything to look at: all
        processes compute the metric together, or none.
        """

    @abstractmethod
    def looking_scores(self) -> dict[str, Tensor]:
        """What `looking` has measured, by name."""

    def train_batch(self, batch: Any) -> Outcome:
        forced = self.teach(self.look(batch), batch)
        nll = sequence_nll(forced.logits, batch.tokens[:, 1:], batch.lengths)  # [B]
        return objective(nll, forced.auxiliary, batch.lengths.sum(), self.auxiliary_weights)

    def decode(self, seen: Any) -> Hypotheses:
        """Captions of what the model has looked at."""
        return generation.find(self.decoding, self.model, seen, self.spec, may_be_unknown=False)

    def evaluate(
        self, batch: Any, batch_index: int, scores: CaptionScores
    ) -> tuple[Any, Hypotheses]:
        """Score a batch; what the model has seen of it, and the captions."""
        counts = not self.is_repeated(batch_index)
        seen = self.look(batch)
        forced = self.teach(seen, batch)
        if counts:
            self.likelihood.update(forced.logits, batch.tokens, batch.lengths)
        self.measure_looking(forced, seen, batch, counts)
        found = self.decode(seen)
        captions = [" ".join(words_of(best, self.spec)) for best in found.tokens[:, 0]]
        scores.update(self.example_ids(batch), captions, batch.references)
        return seen, found

    def finish(self, split: str, scores: CaptionScores) -> None:
        """Log the scores of a whole evaluation, and begin anew."""
        values: dict[str, Any] = {**self.likelihood.compute(), **scores.compute()}
        if self.looking.update_called:
            values.update(self.looking_scores())
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        for metric in (self.likelihood, self.looking, scores):
            metric.reset()

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.evaluate(batch, batch_index, self.scores)

    def on_validation_epoch_end(self) -> None:
        self.finish("val", self.scores)

    def on_test_epoch_end(self) -> None:
        self.finish(self.evaluated_split, self.final_scores)

    def signatures(self) -> dict[str, str]:
        return {"caption_signature": self.final_scores.signature()}
