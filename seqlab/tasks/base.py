"""What every task shares: optimisation, its schedule, and that a broken loss ends the run."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from seqlab.data.spec import Spec
from seqlab.models.ensemble import Ensemble
from seqlab.models.interfaces import SequenceGenerator
from seqlab.tasks.tables import Table


class NonFiniteLossError(RuntimeError):
    """The objective became NaN or infinite; raised before the step that would spoil the weights.

    Args:
        value: the objective.
        step: optimisation steps done before this one.
        example_ids: the examples of the batch.
        learning_rate: of the first parameter group.
    """

    def __init__(
        self, value: float, step: int, example_ids: Sequence[str], learning_rate: float
    ) -> None:
        self.value, self.step = value, step
        self.example_ids, self.learning_rate = tuple(example_ids), learning_rate
        shown = ", ".join(self.example_ids[:8])
        more = len(self.example_ids) - 8
        super().__init__(
            f"the loss is {value} at step {step} (learning rate {learning_rate:g}); "
            f"examples of the batch: {shown}" + (f" and {more} more" if more > 0 else "")
        )


class Schedule:
    """When and how the learning rate changes.

    Args:
        scheduler: makes a torch scheduler of an optimizer; None keeps the rate as it is.
        interval: whether it moves after each optimisation step or after each epoch.
        monitor: the validation metric that a plateau scheduler watches.
    """

    def __init__(
        self,
        *,
        scheduler: Callable[..., LRScheduler] | None = None,
        interval: Literal["step", "epoch"] = "epoch",
        monitor: str | None = None,
    ) -> None:
        self.scheduler, self.interval, self.monitor = scheduler, interval, monitor


class Hypothesis(NamedTuple):
    """One sequence that a search found, as text."""

    text: str
    log_probability: float | None  # None where an answer has no probability
    score: float | None  # what it is ranked by


class Prediction(NamedTuple):
    """What a task says of one input that a person gave."""

    source: str
    hypotheses: tuple[Hypothesis, ...]  # best first; none where there is no answer to this input
    figure: Path | None
    notes: tuple[str, ...] = ()  # what a person should know of it; why, where there is no answer
    table: Table | None = None  # shown below it
    record: Mapping[str, Any] | None = None  # what is kept of it beside all that
    is_choice: bool = False  # whether it is one out of a set, of which a person reads probabilities


class Outcome(NamedTuple):
    """What a task makes of one training batch."""

    objective: Tensor  # [], to be minimised
    logged: dict[str, Tensor]  # by name without the split


class Task(LightningModule, ABC):
    """A LightningModule that owns loss, metrics, decoding, optimizer and logging.

    Lightning steps schedulers of an epoch after the callbacks that write its checkpoint, so that a
    resumed run would miss a step; the schedule is therefore kept here, stepped here and saved here.

    Args:
        model: a network that has the task's interface.
        spec: what the data says of itself.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
    """

    interface: ClassVar[type[nn.Module]]
    batch_type: ClassVar[type]
    supplied_sizes: ClassVar[frozenset[str]] = frozenset()
    reads_lines: ClassVar[bool] = False  # whether a person gives it lines of text, or else files
    example_input: ClassVar[str] = "photos/*.jpg"  # what a person might give it, for hints
    how_to_type: ClassVar[str] = "type a line and press Enter to have it answered"  # reads_lines
    monitor: ClassVar[str]
    mode: ClassVar[Literal["min", "max"]]

    def __init__(
        self,
        *,
        model: nn.Module,
        spec: Spec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
    ) -> None:
        super().__init__()
        self.model = model
        self.spec = spec
        self.make_optimizer = optimizer
        self.schedule = schedule
        self.scheduler: LRScheduler | None = None
        self._restored_scheduler: dict[str, Any] | None = None
        self.evaluated_split = "test"  # names the metrics of Lightning's test loop
        self.predictions: list[dict[str, Any]] = []  # of the last evaluation

    @staticmethod
    @abstractmethod
    def sizes(spec: Any) -> dict[str, Any]:
        """The arguments of a model that the data supplies; their names are `supplied_sizes`."""

    @abstractmethod
    def train_batch(self, batch: Any) -> Outcome:
        """Objective and what is to be logged of one batch."""

    @abstractmethod
    def example_ids(self, batch: Any) -> Sequence[str]:
        """Names of the examples in a batch."""

    @abstractmethod
    def batch_size(self, batch: Any) -> int:
        """Number of examples in a batch, the unit of the speed that is shown."""

    @abstractmethod
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: Any,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterable[Prediction]:
        """Answer what a person gave, in order.

        Args:
            inputs: names of files, or lines where the task `reads_lines`; asked for no further
                than the next batch, since a person may still be typing.
            datamodule: opens what a file name stands for; it is not set up.
            output: folder of the figures.
            batch_size: inputs that are handled at once.
            figures: whether they are drawn.
        """

    @classmethod
    def ensemble(cls, models: Sequence[Any]) -> nn.Module:
        """One model of several trained ones, which an evaluation may use in the place of one.

        Raises:
            ValueError: these cannot be one.
        """
        if not issubclass(cls.interface, SequenceGenerator):
            raise ValueError(f"no ensemble is known of a {cls.interface.__name__}")
        return Ensemble(members=models)

    def is_repeated(self, batch_index: int) -> bool:
        """Whether a batch of an evaluation only fills up the last round of several processes.

        It is another process's batch too and must not count twice. It still has to be computed:
        the processes wait for each other.

        Args:
            batch_index: of this process.
        """
        trainer = self.trainer
        loader = trainer.test_dataloaders if trainer.testing else trainer.val_dataloaders
        return batch_index * trainer.world_size + trainer.global_rank >= loader.num_planned

    def attach(self, datamodule: Any, cache_dir: Path, on_progress: Any = None) -> None:
        """Prepare the data for this task's model, before it is first used."""

    def draw(self, folder: Path) -> list[Path]:
        """Write the figures of the last evaluation into a folder."""
        return []

    def tables(self) -> list[Table]:
        """Tables of the last evaluation, shown beside the one of all metrics."""
        return []

    def signatures(self) -> dict[str, str]:
        """Text that belongs to scores (a tokeniser, why a score is missing), by name."""
        return {}

    def rate_factors(self) -> dict[nn.Module, float]:
        """Parts of the model that are trained with a rate of their own, as a multiple of the usual.

        They have no parameter in common.
        """
        return {}

    def configure_optimizers(self) -> Optimizer:
        factors = self.rate_factors()
        parts = [_trained(part) for part in factors]
        apart = {parameter for part in parts for parameter in part}
        usual = [parameter for parameter in _trained(self.model) if parameter not in apart]
        groups = [(usual, 1.0), *zip(parts, factors.values(), strict=True)]
        groups = [(parameters, factor) for parameters, factor in groups if parameters]
        optimizer = self.make_optimizer(params=[{"params": each} for each, _ in groups])
        for group, (_, factor) in zip(optimizer.param_groups, groups, strict=True):
            group["lr"] *= factor
        if self.schedule.scheduler is not None:
            self.scheduler = self.schedule.scheduler(optimizer=optimizer)
            if self._restored_scheduler is not None:
                self.scheduler.load_state_dict(self._restored_scheduler)
        return optimizer

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        outcome = self.train_batch(batch)
        value = float(outcome.objective.detach())
        if not math.isfinite(value):
            ids, rate = self.example_ids(batch), self.learning_rate()
            raise NonFiniteLossError(value, self.global_step, ids, rate)
        size = self.batch_size(batch)
        for name, logged in outcome.logged.items():
            self.log(f"train/{name}", logged.detach(), batch_size=size)
        self.log("train/learning_rate", self.learning_rate(), batch_size=size)
        return outcome.objective

    def learning_rate(self) -> float:
        """The learning rate of the first parameter group."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        first = optimizer[0] if isinstance(optimizer, list) else optimizer
        return float(first.param_groups[0]["lr"])

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        if self.scheduler is not None and self.schedule.interval == "step":
            self.scheduler.step()

    def on_train_epoch_end(self) -> None:
        if self.scheduler is None or self.schedule.interval != "epoch":
            return
        if not isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step()
            return
        watched = self.schedule.monitor or self.monitor
        metrics = self.trainer.callback_metrics
        if watched not in metrics:
            known = ", ".join(sorted(metrics)) or "none"
            raise KeyError(
                f"the schedule watches {watched}, which is not among the metrics: {known}"
            )
        self.scheduler.step(metrics[watched])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.scheduler is not None:
            checkpoint["schedule"] = self.scheduler.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # The optimizer does not exist yet: Lightning loads the weights before it asks for one.
        self._restored_scheduler = checkpoint.get("schedule")
        if self.scheduler is not None and self._restored_scheduler is not None:
            self.scheduler.load_state_dict(self._restored_scheduler)


def _trained(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
