"""Runs of one command that differ in their seed alone: each a process with its own directory."""

from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf

from seqlab.config.build import locate
from seqlab.run.environment import available_cores
from seqlab.run.launchers import LocalLauncher
from seqlab.run.opening import Opened, keep_settings
from seqlab.run.rundir import RunDir
from seqlab.run.screen import Screen
from seqlab.run.signals import signals_as_ctrl_c
from seqlab.run.sweep_jobs import SEQLAB, Job, Objective

# What each of the runs gets anew, or must not do itself.
_OWN = ("seed", "run_dir", "resume")
_ALONE = {"seeds": "null", "restarts": "null", "select": "val", "n_jobs": "1"}


def several(config: DictConfig) -> str | None:
    """Whether a command trains several `seeds` or `restarts`, or goes on with them; else None."""
    kept = None
    if config.get("resume") is not None:
        path = RunDir(Path(config.resume)).config
        kept = OmegaConf.load(path) if path.exists() else None
    for key in ("seeds", "restarts"):
        if config.get(key) is not None or (kept is not None and OmegaConf.select(kept, key)):
            return key
    return None


def monitored(config: DictConfig) -> Objective:
    """The metric by which the task of a config tells its checkpoints apart."""
    task_class = locate(config.task._target_, config.get("allow") or ())
    return Objective(task_class.monitor, task_class.mode)


def train_all(
    opened: Opened, screen: Screen, name: str, count: int, metric_key: str | None = None
) -> list[Job]:
    """Train the seeds `seed`, `seed` + 1, ..., those that are done left out.

    Each is a process of its own with a directory of its own, so that it can be resumed, and so that
    none sees what another has left in memory. One at a time prints where this process does, several
    at once into files beside their directories.

    Args:
        opened: the directory that holds theirs, and what they are trained with; claimed.
        screen: what is said of them goes there, and into the log of the directory.
        name: of a run's directory, before its seed.
        count: how many.
        metric_key: the setting that needs the metric which the task monitors, for runs that lack
            it; None where it is not needed.

    Returns:
        One job for each seed, done or failed.

    Raises:
        UserError: a run lacks the metric.
        KeyboardInterrupt: a signal asked to stop; the runs have saved and ended.
    """
    # These take their time to import, and a run of one seed has no use for them.
    from seqlab.run.sweep_runner import Runner
    from seqlab.run.sweep_screen import Screen as Watcher
    from seqlab.run.sweep_search import GridSearch

    folder, config = opened.run_dir, opened.config
    jobs = [_job(opened, name, config.seed + number) for number in range(count)]
    folder.done.unlink(missing_ok=True)
    if opened.runs_changed:
        for job in jobs:
            RunDir(job.directory).done.unlink(missing_ok=True)
    keep_settings(opened)
    n_jobs = jobs_at_once(config, count)
    objective = monitored(config)
    launcher = LocalLauncher(n_jobs=n_jobs, in_view=n_jobs == 1)
    with signals_as_ctrl_c(), folder.log.open("a") as log:
        speaks = n_jobs > 1
        with Watcher(screen.console, log, count, n_jobs, objective, speaks) as watcher:
            ended = Runner(
                search=GridSearch(jobs),
                launcher=launcher,
                objective=objective,
                n_jobs=n_jobs,
                retries=0,
                watcher=watcher,
                save=lambda: None,  # the directories of the runs say how far they are
                metric_key=metric_key,
            ).run()
    if not ended:
        screen.line("stopped; go on with:")
        screen.commands([["seqlab", "train", f"resume={folder.path}"]])
        raise KeyboardInterrupt
    return jobs


def _job(opened: Opened, name: str, seed: int) -> Job:
    """The run of one seed."""
    left_out = (*_OWN, *_ALONE)
    shared = [each for each in opened.overrides if each.partition("=")[0] not in left_out]
    alone = [f"{key}={value}" for key, value in _ALONE.items()]
    threads = opened.config.get("threads")
    if threads is not None:  # chosen, maybe by an experiment, so that they are not shared out
        alone.append(f"threads={threads}")
        shared = [each for each in shared if not each.startswith("threads=")]
    return Job(
        overrides=(*shared, *alone, f"seed={seed}"),
        varied={"seed": str(seed)},
        sweep_dir=opened.run_dir.path,
        program=SEQLAB,
        name=f"{name}_{seed}",
        changed=opened.runs_changed,
    )


def jobs_at_once(config: DictConfig, count: int) -> int:
    """How many runs go on at the same time: `n_jobs`, or as many as cores or GPUs allow.

    Args:
        config: of the command.
        count: how many there are.
    """
    if config.get("n_jobs") is not None:
        return min(int(config.n_jobs), count)
    uses_gpus = OmegaConf.select(config, "trainer.accelerator") in ("auto", "gpu", "cuda")
    gpus = torch.cuda.device_count() if uses_gpus else 0
    cores = available_cores() // (config.get("threads") or 1)
    return max(1, min(gpus or cores, count))
