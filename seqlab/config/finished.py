"""Runs that are evaluated or used: what can be known to be wrong before they are read."""

import glob
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from seqlab.config import schema
from seqlab.config.build import locate
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.config.schema_marks import MISSING


def problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the run, or the runs, of `seqlab eval`, `predict` or `features`.

    Args:
        values: of the config, resolved.
    """
    found = []
    runs, checkpoint = schema.as_list(values["run"]), values["checkpoint"]
    if not runs:
        newest = _runs(values)[:3]
        found.append(Problem(key="run", message="has to be given: run=DIR", allowed=newest))
    for run in runs:
        found += _run(run, checkpoint, values)
    for run in schema.as_list(values.get("beside")):
        found += _run(run, "best", values, key="beside")
    if len(runs) > 1:
        found += _ensemble(runs, checkpoint)
    if values.get("layer") == MISSING:
        message = "has to be given: layer=NAME, a module of the network, such as fc6"
        found.append(Problem(key="layer", message=message))
    return found + _input(values, runs)


def features(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the features of `seqlab probe`.

    Args:
        values: of the config, resolved.
    """
    given = schema.as_list(values["features"])
    if not given:
        known = tuple(map(str, sorted(Path(values["paths"]["runs"]).glob("*/*/*/features/*"))))
        message = "has to be given: features=DIR, which seqlab features has written"
        return [Problem(key="features", message=message, allowed=known[:3])]
    found = []
    for folder in map(Path, given):
        if not folder.is_dir():
            message = "there is no such folder"
        elif not (folder / "features.npy").is_file():
            message = "holds no features.npy; the same seqlab features goes on where it was stopped"
        else:
            continue
        found.append(Problem(key="features", given=str(folder), message=message))
    share = values.get("test_share")
    if isinstance(share, float) and not 0 < share < 1:
        allowed = ("a number between 0 and 1",)
        found.append(
            Problem(key="test_share", given=str(share), message="is no share", allowed=allowed)
        )
    return found


def start(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the run that `seqlab train` starts from; one that goes on does not.

    Args:
        values: of the config, resolved.
    """
    given, run_dir = values.get("init_from"), values.get("run_dir")
    goes_on = run_dir is not None and (Path(run_dir) / "checkpoints" / "last.ckpt").is_file()
    if given is None or goes_on or values.get("resume") is not None or Path(given).is_file():
        return []
    if not Path(given).is_dir():
        message, near = (
            "there is no such run directory or checkpoint",
            nearest(given, _runs(values)),
        )
        return [Problem(key="init_from", given=given, message=message, nearest=near)]
    path = Path(given) / "checkpoints" / "best.ckpt"
    if path.is_file():
        return []
    return [Problem(key="init_from", given=given, message=f"there is no checkpoint {path}")]


def _run(run: str, checkpoint: str, values: Mapping[str, Any], key: str = "run") -> list[Problem]:
    """A run directory and the checkpoint in it."""
    if not Path(run).is_dir():
        parts = run.split(",")
        several = len(parts) > 1 and all(Path(part).is_dir() for part in parts)
        near = f"[{run}]" if several else nearest(run, _runs(values))
        message = "there is no such run directory"
        return [Problem(key=key, given=run, message=message, nearest=near)]
    folder = Path(run) / "checkpoints"
    path = folder / f"{checkpoint}.ckpt" if checkpoint in ("best", "last") else Path(checkpoint)
    if path.is_file():
        return []
    allowed = (*(p.stem for p in sorted(folder.glob("*.ckpt"))), "a path")
    message = f"there is no checkpoint {path}"
    return [Problem(key="checkpoint", given=checkpoint, message=message, allowed=allowed)]


def _ensemble(runs: Sequence[str], checkpoint: str) -> list[Problem]:
    """What is asked of several runs beside what is asked of each."""
    places = [Path(run).resolve() for run in runs]
    twice = [run for at, run in enumerate(runs) if places[at] in places[:at]]
    found = [
        Problem(key="run", given=run, message="stands in the list twice")
        for run in dict.fromkeys(twice)
    ]
    if checkpoint not in ("best", "last"):
        message = "is one file, but there are several runs"
        allowed = ("best", "last")
        found.append(Problem(key="checkpoint", given=checkpoint, message=message, allowed=allowed))
    return found


def _runs(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The run directories below paths.runs, the newest first."""
    found = list(Path(values["paths"]["runs"]).glob("*/*/*/config.yaml"))
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return tuple(str(path.parent) for path in found)


def _input(values: Mapping[str, Any], runs: Sequence[str]) -> list[Problem]:
    """What a run is used on."""
    given = values.get("input", "-")
    if given != MISSING and (given == "-" or Path(given).exists() or _matches(given)):
        return []
    task = _task(runs, values["allow"])
    if given == MISSING and task and task.reads_lines and sys.stdin.isatty():
        return []  # a person who gives nothing is asked for lines
    if given == MISSING:
        wanted = "FILES" if task is None else shlex.quote(task.example_input)
        typed = ", or input=- for lines that are typed" if task and task.reads_lines else ""
        return [Problem(key="input", message=f"has to be given: input={wanted}{typed}")]
    message = "there is no such file"
    if task and task.reads_lines and _is_sentence(given):
        run = runs[0] if len(runs) == 1 else f"[{','.join(runs)}]"
        command = shlex.join(["seqlab", "predict", f"run={run}", "input=-"])
        message += f"; to have the line itself answered: echo {shlex.quote(given)} | {command}"
    return [Problem(key="input", given=given, message=message)]


def _matches(pattern: str) -> bool:
    return bool(glob.glob(pattern, recursive=True))  # noqa: PTH207, Path.glob takes none from /


def _is_sentence(given: str) -> bool:
    """Whether a person probably means the words themselves and not the name of a file."""
    suffix = Path(given).suffix
    return "/" not in given and (not suffix or " " in suffix)


def _task(runs: Sequence[str], allow: Sequence[str]) -> Any:
    """The class of the task of the first run; None where that cannot be known."""
    try:
        config = OmegaConf.load(Path(runs[0]) / "config.yaml")
        found = locate(OmegaConf.select(config, "task._target_"), allow)
    except (IndexError, OSError, YAMLError, OmegaConfBaseException, UserError):
        return None
    return found if hasattr(found, "example_input") else None
