"""Axes and jobs of a sweep as Optuna knows them: distributions and the ends of trials."""

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState

from seqlab.run.sweep_jobs import Job, State
from seqlab.run.sweep_space import Axis


def distribution(axis: Axis) -> BaseDistribution:
    """What Optuna draws an axis from."""
    bounds = axis.bounds
    if bounds is None:
        return CategoricalDistribution(axis.values)
    if bounds.integer:
        step = 1 if bounds.step is None else int(bounds.step)
        return IntDistribution(int(bounds.low), int(bounds.high), log=bounds.log, step=step)
    return FloatDistribution(bounds.low, bounds.high, log=bounds.log, step=bounds.step)


def answer(study: optuna.Study, trial: Trial, job: Job) -> None:
    """Close a trial with what became of its job."""
    if job.state is State.DONE and job.value is not None:
        study.tell(trial, job.value)
    elif job.state is State.PRUNED:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, state=TrialState.FAIL)
