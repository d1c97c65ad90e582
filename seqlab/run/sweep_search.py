"""Which job comes next: all combinations of a grid, or what a sampler of Optuna proposes."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from seqlab.config.errors import Problem
from seqlab.run.sweep_jobs import Job, Objective, State
from seqlab.run.sweep_space import Space, fingerprint, nearest_text
from seqlab.run.sweep_trials import answer, distribution

MakeJob = Callable[[Mapping[str, str]], Job]
_AGAIN = "again"  # marks a trial that takes up the values of one that did not end


class Search(Protocol):
    """Hands out jobs and learns what came of them.

    Attributes:
        total: how many jobs there will be at most.
    """

    total: int

    def ask(self) -> Job | None:
        """The next job; None where there is none, for now or for good."""

    def report(self, job: Job, epoch: int, value: float) -> bool:
        """Take a validation of a running job; True where the job is not worth going on with."""

    def tell(self, job: Job) -> None:
        """Take what became of a job: done, pruned or failed."""


class GridSearch:
    """Every combination once.

    Args:
        jobs: in the order in which they are to run.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.waiting = deque(jobs)
        self.total = len(jobs)

    def ask(self) -> Job | None:
        """The next combination."""
        return self.waiting.popleft() if self.waiting else None

    def report(self, job: Job, epoch: int, value: float) -> bool:
        """A grid is run to its end."""
        return False

    def tell(self, job: Job) -> None:
        """A grid learns nothing."""


class GridSweep:
    """`sweep=grid`: every combination of the values given.

    Args:
        name: of the sweep's directory; null is a hash of the overrides.
        metric: what jobs are compared by; null is what the task monitors.
        mode: `max` or `min`; null is the task's, for its own metric.
        retries: how often a job that failed is started again.
    """

    def __init__(
        self,
        *,
        name: str | None,
        metric: str | None,
        mode: Literal["max", "min"] | None,
        retries: int,
    ) -> None:
        self.name, self.metric, self.mode, self.retries = name, metric, mode, retries

    def identity(self, space: Space) -> str:
        """What a directory must have been made for: a grid may grow in it."""
        return "grid"

    def problems(self, space: Space) -> list[Problem]:
        """What a grid cannot go through."""
        return [
            Problem(
                key=axis.key,
                message="a grid cannot go through all numbers of an interval",
                given="interval(...)",
                allowed=("choice(...)", "range(...)", "a,b,c", "sweep=tpe", "sweep=random"),
            )
            for axis in space.axes
            if not axis.countable
        ]

    def search(
        self, space: Space, make_job: MakeJob, objective: Objective, folder: Path, max_epochs: int
    ) -> Search:
        """The grid of a space."""
        return GridSearch([make_job(choice) for choice in space.grid()])


class OptunaSweep:
    """`sweep=tpe` and `sweep=random`: a sampler of Optuna, and bad trials stopped early.

    Args:
        name: of the sweep's directory; null is a hash of the overrides.
        metric: what jobs are compared by; null is what the task monitors.
        mode: `max` or `min`; null is the task's, for its own metric.
        retries: how often a job that failed is started again.
        sampler: `tpe` (tree-structured Parzen estimator, Bergstra et al. 2011; Watanabe 2023)
            or `random`.
        num_trials: trials in all, those of earlier calls included.
        num_startup_trials: trials drawn at random before tpe proposes.
        seed: of the sampler.
        pruner: `median` stops a trial whose best value so far is worse than the median of the
            earlier ones at the same epoch; `hyperband` as in Li et al. (2018); `none`.
        min_epochs: no trial is stopped before so many.
        min_trials: finished trials before the median says anything.
    """

    def __init__(
        self,
        *,
        name: str | None,
        metric: str | None,
        mode: Literal["max", "min"] | None,
        retries: int,
        sampler: Literal["tpe", "random"],
        num_trials: int,
        num_startup_trials: int,
        seed: int,
        pruner: Literal["median", "hyperband", "none"],
        min_epochs: int,
        min_trials: int,
    ) -> None:
        self.name, self.metric, self.mode, self.retries = name, metric, mode, retries
        self.sampler, self.num_trials, self.seed = sampler, num_trials, seed
        self.num_startup_trials = num_startup_trials
        self.pruner, self.min_epochs, self.min_trials = pruner, min_epochs, min_trials

    def identity(self, space: Space) -> str:
        """What a directory must have been made for: more trials may be added, all else stays."""
        settings = [self.sampler, str(self.seed), str(self.metric), str(self.mode)]
        return f"{self.sampler} {fingerprint([*space.texts, *settings])}"

    def problems(self, space: Space) -> list[Problem]:
        """What leaves a sampler without work."""
        found = []
        if not space.axes:
            message = "nothing varies: give a key an interval(...), range(...) or choice(...)"
            found.append(Problem(key="sweep", message=message))
        if self.num_trials < 1:
            message = "at least one trial is needed"
            found.append(
                Problem(key="sweep.num_trials", message=message, given=str(self.num_trials))
            )
        return found

    def search(
        self, space: Space, make_job: MakeJob, objective: Objective, folder: Path, max_epochs: int
    ) -> Search:
        """A study kept in the sweep's folder, which goes on where an earlier process left it."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            study_name="sweep",
            storage=JournalStorage(JournalFileBackend(str(folder / "optuna.journal"))),
            direction="maximize" if objective.mode == "max" else "minimize",
            pruner=self.make_pruner(max_epochs),
            load_if_exists=True,
        )
        return OptunaSearch(study, space, make_job, self)

    def make_sampler(self, proposal: int) -> optuna.samplers.BaseSampler:
        """The sampler of one proposal.

        Its seed depends on the proposal's number alone, so that a sweep that was stopped proposes
        what it would have proposed, instead of its first random trials again.
        """
        seed = int(np.random.SeedSequence([self.seed, proposal]).generate_state(1)[0])
        if self.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=self.num_startup_trials)

    def make_pruner(self, max_epochs: int) -> optuna.pruners.BasePruner:
        """The pruner; its steps are epochs."""
        if self.pruner == "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=max(1, self.min_epochs),
                max_resource=max_epochs if max_epochs > 0 else "auto",
            )
        if self.pruner == "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=self.min_trials, n_warmup_steps=self.min_epochs
            )
        return optuna.pruners.NopPruner()


class OptunaSearch:
    """Trials of a study; one that proposes what was run already takes its result.

    Args:
        study: where trials are kept.
        space: what they choose from.
        make_job: the job of a choice; the same object for the same choice.
        settings: sampler and number of trials.
    """

    def __init__(
        self, study: optuna.Study, space: Space, make_job: MakeJob, settings: OptunaSweep
    ) -> None:
        self.study, self.space, self.make_job, self.settings = study, space, make_job, settings
        self.total = settings.num_trials
        self.distributions = {axis.key: distribution(axis) for axis in space.axes}
        self.open: dict[str, list[Trial]] = {}  # by the id of the job that will answer them
        self._take_up()

    def ask(self) -> Job | None:
        """What the sampler proposes next, unless it is at work or known already."""
        while True:
            trials = self.study.get_trials(deepcopy=False)
            proposals = sum(_AGAIN not in trial.user_attrs for trial in trials)
            again = any(trial.state is TrialState.WAITING for trial in trials)
            if proposals >= self.total and not again:
                return None
            self.study.sampler = self.settings.make_sampler(proposals)
            trial = self.study.ask(self.distributions)
            job = self._job(trial.params)
            if job.id in self.open:
                self.open[job.id].append(trial)
            elif job.state in (State.DONE, State.PRUNED, State.FAILED):
                answer(self.study, trial, job)
            else:
                self.open[job.id] = [trial]
                return job

    def report(self, job: Job, epoch: int, value: float) -> bool:
        """Take a validation; True where the pruner has seen enough."""
        trial = self.open[job.id][0]
        trial.report(value, step=epoch)
        return trial.should_prune()

    def tell(self, job: Job) -> None:
        """Close the trials of a job."""
        for trial in self.open.pop(job.id):
            answer(self.study, trial, job)

    def _take_up(self) -> None:
        """Keep what earlier processes finished, and queue again what they did not."""
        finished = (TrialState.COMPLETE, TrialState.PRUNED)
        known: dict[str, list[FrozenTrial]] = {}
        for trial in self.study.get_trials(deepcopy=True):
            if trial.state is TrialState.WAITING:  # queued again, and stopped before its turn
                params = trial.system_attrs["fixed_params"]
            else:
                params = trial.params
            if set(params) != set(self.distributions):  # killed while it was drawn
                self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
                continue
            known.setdefault(self._job(params).id, []).append(trial)
        for trials in known.values():
            for trial in trials:
                if trial.state is TrialState.RUNNING:
                    self.study.tell(trial.number, state=TrialState.FAIL)
            ended = next((trial for trial in trials if trial.state in finished), None)
            if ended is not None:
                job = self._job(ended.params)
                job.state = State.DONE if ended.state is TrialState.COMPLETE else State.PRUNED
                job.value = ended.value
            elif not any(trial.state is TrialState.WAITING for trial in trials):
                self.study.enqueue_trial(trials[-1].params, user_attrs={_AGAIN: True})

    def _job(self, params: Mapping[str, Any]) -> Job:
        return self.make_job(
            {axis.key: nearest_text(axis, params[axis.key]) for axis in self.space.axes}
        )
