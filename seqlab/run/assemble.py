"""The objects of a run, made of its config: data, model, task."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from seqlab.config.build import ArgumentsError, build, factory, locate
from seqlab.config.errors import Problem, UserError
from seqlab.data.spec import Spec
from seqlab.run.checkpoints import CheckpointReadError, Record, load_checkpoint, read_record
from seqlab.run.environment import keep_memory, versions
from seqlab.run.random_state import seed_everything
from seqlab.run.rundir import RunDir
from seqlab.run.screen import Screen
from seqlab.tasks.base import Task


@dataclass(frozen=True)
class Parts:
    """What is trained on what."""

    datamodule: Any
    task: Task
    spec: Spec


@dataclass(frozen=True)
class Saved:
    """A checkpoint that was read."""

    path: Path
    content: dict[str, Any]
    record: Record
    config: DictConfig
    spec: Spec

    @property
    def steps(self) -> int:
        """Optimisation steps that made it."""
        return int(self.content["global_step"])


def assemble(config: DictConfig) -> Parts:
    """Data, model and task of a training run; the data is read."""
    datamodule = _data(config)
    task = _task(config, datamodule.spec)
    return Parts(datamodule, task, datamodule.spec)


def reassemble(saved: Sequence[Saved], *, data_dir: str, with_data: bool) -> Parts:
    """Data, model and task of a checkpoint, with its weights; of several, their ensemble.

    Args:
        saved: the checkpoints, which fit each other. Of several the first says what the data and
            the task are, and so how is searched; of the others the models are taken.
        data_dir: where data sets lie here, which need not be where they lay for the run.
        with_data: whether the data is read, and must be that of the run.

    Raises:
        UserError: the data is not that of the run, the models cannot be one, or the parts are no
            longer those of the checkpoint.
    """
    first = saved[0]
    config = first.config.copy()
    data = OmegaConf.to_container(config.data, resolve=True)
    config.data = _moved(data, str(config.paths.data), data_dir)
    with _of_this_version(first):
        datamodule = _data(config) if with_data else build(config.data, allow=config.allow)
    if with_data:
        refuse_other_data(first, datamodule.spec)
        datamodule.adopt(first.spec)
    tasks = [_trained(each) for each in saved]
    task = tasks[0]
    if len(tasks) > 1:
        try:
            task.model = task.ensemble([each.model for each in tasks])
        except ValueError as error:
            message = f"these cannot be an ensemble: {error}"
            raise UserError([Problem(key="run", message=message)]) from error
    return Parts(datamodule, task, first.spec)


def untrained(saved: Saved) -> Task:
    """The task of a checkpoint with random weights, which its seed decides.

    Raises:
        UserError: its parts take other settings now.
    """
    config = saved.config.copy()
    config.model = _without_weight_files(OmegaConf.to_container(config.model, resolve=True))
    with _of_this_version(saved):
        return _task(config, saved.spec)


def _trained(saved: Saved) -> Task:
    """The task of a checkpoint, with its weights."""
    task = untrained(saved)
    try:
        task.load_state_dict(saved.content["state_dict"])
    except RuntimeError as error:  # it lists every weight that does not fit
        raise UserError([_other_version(saved)]) from error
    return task


@contextmanager
def _of_this_version(saved: Saved) -> Iterator[None]:
    """Say what to do where the parts take other settings than those of a checkpoint.

    Its settings were right when it was written, so the code is not what it was.
    """
    try:
        yield
    except ArgumentsError as error:
        raise UserError([*error.problems, _other_version(saved)]) from error


def _other_version(saved: Saved) -> Problem:
    """What to do with a checkpoint whose parts have changed."""
    message = (
        "was written by another version of the code, whose parts differ: train anew, or use the "
        "version that git.commit in env.json of the run names"
    )
    return Problem(key="checkpoint", given=str(saved.path), message=message)


def _data(config: DictConfig) -> Any:
    datamodule = build(config.data, allow=config.allow)
    datamodule.prepare_data()
    datamodule.setup("fit")
    return datamodule


def _task(config: DictConfig, spec: Spec) -> Task:
    seed_everything(config.seed)  # the first weights depend on the seed and on nothing else
    task_class = locate(config.task._target_, config.allow)
    if not issubclass(task_class, Task):  # a checkpoint's config was not validated here
        raise UserError([Problem(key="task", given=task_class.__name__, message="is no task")])
    model = build(config.model, allow=config.allow, **task_class.sizes(spec))
    task: Task = build(
        config.task,
        allow=config.allow,
        model=model,
        spec=spec,
        optimizer=factory(config.optimizer, allow=config.allow),
        schedule=build(config.scheduler, allow=config.allow),
    )
    return task


def _without_weight_files(node: Any) -> Any:
    """The model's config without files of pretrained weights: the checkpoint has them all."""
    if isinstance(node, dict):
        return {
            key: None
            if key == "weights" and isinstance(value, str)
            else _without_weight_files(value)
            for key, value in node.items()
        }
    return [_without_weight_files(each) for each in node] if isinstance(node, list) else node


def _moved(node: Any, before: str, now: str) -> Any:
    """The data's config with the paths that lie below one folder below another."""
    if isinstance(node, dict):
        return {key: _moved(value, before, now) for key, value in node.items()}
    if isinstance(node, list):
        return [_moved(each, before, now) for each in node]
    if isinstance(node, str) and (node == before or node.startswith(f"{before}/")):
        return now + node[len(before) :]
    return node


def record_of(config: DictConfig, spec: Spec) -> Record:
    """What the checkpoints of a run say of it."""
    plain: Any = OmegaConf.to_container(config, resolve=True)
    spec_type = f"{type(spec).__module__}.{type(spec).__qualname__}"
    return Record(config=plain, spec=spec.to_json(), spec_type=spec_type, versions=versions())


def read_checkpoint(run: Path, which: str, allow: list[str]) -> Saved:
    """A checkpoint of a run.

    Args:
        run: the run directory.
        which: `best`, `last`, or the path of a checkpoint.
        allow: packages whose classes its config may name, beside seqlab's own list.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    run_dir = RunDir(run)
    path = {"best": run_dir.best, "last": run_dir.last}.get(which, Path(which))
    try:
        content = load_checkpoint(path)
        record = read_record(content, path)
        spec_class = _spec_class(record.spec_type, allow)
        spec = spec_class.from_json(record.spec)
    except (CheckpointReadError, ValueError) as error:
        raise UserError([Problem(key="checkpoint", given=str(path), message=str(error))]) from error
    config = OmegaConf.create(record.config)
    config.allow = allow
    return Saved(path, content, record, config, spec)


def _spec_class(name: str, allow: list[str]) -> type[Spec]:
    """The class of a spec, which must be one: the name comes from the file."""
    found = locate(name, allow, "spec_type")
    if not issubclass(found, Spec):
        raise CheckpointReadError(f"{name} is no Spec")
    return found  # type: ignore[no-any-return]


def refuse_other_data(saved: Saved, found: Spec) -> None:
    """Complain where the data is not what the run was trained on."""
    if found == saved.spec:
        return
    was, now = getattr(saved.spec, "split_hash", ""), getattr(found, "split_hash", "")
    if was == now:
        changed = [n for n in vars(found) if getattr(found, n) != getattr(saved.spec, n, None)]
        message = f"has the same examples, but its {', '.join(changed)} differ from the run's"
    else:
        message = (
            f"is not what the run was trained on: its splits hash to {now}, the run's to {was}"
        )
    raise UserError([Problem(key="data", given=str(saved.config.data._target_), message=message)])


def attach(parts: Parts, cache_dir: Path, screen: Screen) -> None:
    """Have the task prepare its data, which may take a while the first time."""
    with screen.counting("computing features") as on_progress:
        parts.task.attach(parts.datamodule, cache_dir, on_progress)


def prepare_torch(*, threads: int) -> None:
    """Let torch compute with so many threads, in memory that it keeps."""
    keep_memory()
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
