"""The runs that an evaluation or a prediction is of: one, or several that make an ensemble."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from seqlab.config import schema
from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import Saved, read_checkpoint
from seqlab.run.rundir import RunDir, atomic_write

PARTS = ("decoding", "inference")  # of a task that another use of a run may exchange


def exchange_parts(config: DictConfig, saved: Saved) -> None:
    """Put the parts that a command names in the place of those that a run was trained with.

    Args:
        config: of `seqlab eval` or `seqlab predict`.
        saved: the run; its config is changed.

    Raises:
        UserError: the run's task has no such part.
    """
    problems = []
    for name in PARTS:
        if config[name] is None:
            continue
        if name in saved.config.task:
            saved.config.task[name] = OmegaConf.to_container(config[name], resolve=True)
            continue
        message = f"the run's task, {_task(saved)}, has no such part"
        given = str(config.choices.get(name, name))
        allowed = tuple(part for part in PARTS if part in saved.config.task)
        problems.append(Problem(key=name, given=given, message=message, allowed=allowed))
    if problems:
        raise UserError(problems)


def read_members(config: DictConfig) -> list[Saved]:
    """The checkpoints of the runs that a command names, in its order.

    Args:
        config: of `seqlab eval` or `seqlab predict`.

    Raises:
        UserError: a checkpoint is missing or cannot be read, or the runs do not fit each other.
    """
    runs = schema.as_list(config.run)
    saved = [read_checkpoint(Path(run), config.checkpoint, list(config.allow)) for run in runs]
    first, problems = saved[0], []
    for run, each in zip(runs[1:], saved[1:], strict=True):
        if each.config.task._target_ != first.config.task._target_:
            message = f"is of the task {_task(each)}, but {runs[0]} is of {_task(first)}"
        elif each.spec != first.spec:
            before, now = vars(first.spec), vars(each.spec)
            names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
            message = f"does not fit {runs[0]}: their data differ in {', '.join(names)}"
        else:
            continue
        problems.append(Problem(key="run", given=run, message=message))
    if problems:
        raise UserError(problems)
    return saved


def _task(saved: Saved) -> str:
    return str(saved.config.choices.get("task", saved.config.task._target_))


def place_of(config: DictConfig, saved: Sequence[Saved]) -> RunDir:
    """Where an evaluation is kept: what `output` says, the run itself, or a folder of the ensemble.

    A folder that is no run directory says in `members.json` of which runs it is, and keeps nothing
    of others.

    Args:
        config: of `seqlab eval`.
        saved: the runs.

    Raises:
        UserError: `output` is another run, or holds what was found of other runs.
    """
    runs = [Path(run) for run in schema.as_list(config.run)]
    folder = Path(config.output) if config.output is not None else ensemble_folder(config, saved)
    if len(runs) == 1 and (config.output is None or folder.resolve() == runs[0].resolve()):
        return RunDir(runs[0])
    claim(folder, runs)
    return RunDir(folder)


def answers_of(config: DictConfig, saved: Sequence[Saved]) -> Path:
    """Make the folder of predictions: what `output` says, or that of the run or of the ensemble.

    Args:
        config: of `seqlab predict`.
        saved: the runs.

    Raises:
        UserError: the folder of the ensemble holds what was found of other runs.
    """
    runs = [Path(run) for run in schema.as_list(config.run)]
    if config.output is not None:
        output = Path(config.output)
    elif len(runs) == 1:
        output = RunDir(runs[0]).predictions
    else:
        folder = ensemble_folder(config, saved)
        claim(folder, runs)
        output = RunDir(folder).predictions
    output.mkdir(parents=True, exist_ok=True)
    return output


def ensemble_folder(config: DictConfig, saved: Sequence[Saved]) -> Path:
    """The folder below paths.runs that belongs to these runs in this order."""
    places = "\n".join(str(Path(run).resolve()) for run in schema.as_list(config.run))
    name = hashlib.sha256(places.encode()).hexdigest()[:12]
    return Path(config.paths.runs) / _task(saved[0]) / "ensembles" / name


def claim(folder: Path, runs: Sequence[Path]) -> None:
    """Make a folder for what is found of some runs and of no others.

    Raises:
        UserError: it is a run directory, or holds what was found of other runs.
    """
    members = [str(run.resolve()) for run in runs]
    path = folder / "members.json"
    message = None
    if RunDir(folder).config.exists():
        message = "is a run directory"
    elif path.exists() and json.loads(path.read_text()) != members:
        message = f"holds what was found of other runs, which {path} lists"
    if message is not None:
        raise UserError([Problem(key="output", given=str(folder), message=message)])
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(members, indent=1, ensure_ascii=False) + "\n")
