"""All that can be known to be wrong with a config before data is read."""

import importlib.util
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from seqlab.config import annotations, catalog, data_files, finished, schema
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.config.parts import MISSING, UNRESOLVED, PartChecker

# What the parts at the top are given by the code that builds them.
OFFERS: dict[str, frozenset[str]] = {
    "task": frozenset({"model", "spec", "optimizer", "schedule"}),
    "optimizer": frozenset({"params"}),
    "launcher": frozenset({"n_jobs", "in_view", "sweep_dir"}),
}
_LEAST = {
    "seed": 0,
    "seeds": 1,
    "restarts": 1,
    "n_jobs": 1,
    "threads": 1,
    "batch_size": 1,
    "num_figures": 0,
    "chunk_size": 1,
    "overlap": 0,
    "num_folds": 2,
}


def validate(config: DictConfig) -> list[Problem]:
    """The problems of a config that `compose` made: none where it may be run.

    Every `_target_` may be called and exists, every argument is known to its signature and of its
    type, what is required is there, the model and the data fit the task, no size is given that the
    data supplies, and the files that are needed exist.

    Args:
        config: of any verb.
    """
    problems: list[Problem] = []
    values = _resolve(config, "", problems)
    verb = _verb(values)
    problems += _top_level(values, verb)
    allow = [str(package) for package in values.get("allow") or []]
    if verb == "train":
        problems += _train(values, allow)
    else:
        for name in schema.parts(verb):
            check = _settled if name == "trainer" else _alone
            problems += check(values, name, allow)
    if verb in ("eval", "predict", "features", "neighbours", "mine"):
        problems += finished.problems(values)
    if verb == "features" and values.get("data") is not None:
        problems += data_files.problems(values)
    if verb == "probe":
        problems += finished.features(values)
    return _at_their_source(config, list(dict.fromkeys(problems)))


def _at_their_source(config: DictConfig, problems: list[Problem]) -> list[Problem]:
    """Without those of values that only repeat, as `${key}`, the value of a key that has one."""
    told = {problem.key for problem in problems}
    return [problem for problem in problems if _source(config, problem.key) not in told]


def _source(config: DictConfig, key: str) -> str | None:
    """The key that the value of another repeats; None where it stands for itself."""
    parent, _, name = key.rpartition(".")
    try:
        node = OmegaConf.select(config, parent) if parent else config
    except OmegaConfBaseException:
        return None
    value = node._get_node(name, validate_access=False) if isinstance(node, DictConfig) else None
    if value is None or not value._is_interpolation():
        return None
    return str(value._value()).removeprefix("${").removesuffix("}")


def _verb(values: Mapping[str, Any]) -> str:
    """Whose config it is, by a key that only it has."""
    marks = {"input": "predict", "layer": "features", "features": "probe"}
    marks |= {"num_queries": "neighbours", "num_constellations": "mine"}
    marks |= {"run": "eval", "launcher": "sweep"}
    return next((verb for mark, verb in marks.items() if mark in values), "train")


def _resolve(node: Any, prefix: str, problems: list[Problem]) -> Any:
    """Plain values, interpolations followed; one that leads nowhere is a problem."""
    if isinstance(node, ListConfig):
        if node._is_none() or node._is_missing():
            return None
        return [_resolve(item, f"{prefix}{at}.", problems) for at, item in enumerate(node)]
    if not isinstance(node, DictConfig):
        return node
    if node._is_none():
        return None
    values: dict[str, Any] = {}
    for name in map(str, node):
        key = f"{prefix}{name}"
        child = node._get_node(name)
        if child._is_missing():  # type: ignore[union-attr]
            values[name] = MISSING
            continue
        try:
            values[name] = _resolve(node[name], f"{key}.", problems)
        except OmegaConfBaseException as error:
            text = str(error).splitlines()[0]
            if isinstance(error, InterpolationKeyError):
                text = "refers to a key that is not there"
            given = str(child._value())  # type: ignore[union-attr]
            problems.append(Problem(key=key, given=given, message=text))
            values[name] = UNRESOLVED
    return values


def _top_level(values: Mapping[str, Any], verb: str) -> list[Problem]:
    """Keys of the command itself."""
    known = {item.name for item in fields(schema.SCHEMAS[verb])}
    problems = []
    for key in sorted(set(values) - known):
        near = nearest(key, known)
        message = f"seqlab {verb} has no such setting"
        allowed = tuple(sorted(known - {"choices"}))
        problems.append(Problem(key=key, message=message, allowed=allowed, nearest=near))
    for key, least in _LEAST.items():
        number = values.get(key)
        if isinstance(number, int) and number < least:
            allowed = (f"a whole number from {least} upwards",)
            message = "is too small"
            problems.append(Problem(key=key, given=str(number), message=message, allowed=allowed))
    for key, allowed in schema.choices(verb).items():
        word = str(values.get(key, allowed[0]))
        if word not in allowed:
            near = nearest(word, allowed)
            message = "there is no such choice"
            problems.append(
                Problem(key=key, given=word, message=message, allowed=allowed, nearest=near)
            )
    for package in values.get("allow") or []:
        top = str(package).partition(".")[0]
        if not top.isidentifier() or importlib.util.find_spec(top) is None:
            message = "there is no such package"
            problems.append(Problem(key="allow", given=str(package), message=message))
    resume = values.get("resume")
    if resume is not None and not (Path(resume) / "config.yaml").is_file():
        message = "there is no run with a config.yaml"
        problems.append(Problem(key="resume", given=str(resume), message=message))
    return problems


def _train(values: Mapping[str, Any], allow: list[str]) -> list[Problem]:
    """Task, model, data and all that trains them."""
    finder = PartChecker(allow)
    task_class = finder.locate(values.get("task"), "task")
    if task_class is None:
        return finder.problems
    arguments = annotations.signature_of(task_class).annotations
    problems = [*_several(values), *finished.start(values), *_alone(values, "task", allow)]
    problems += _model(values, task_class, allow)
    problems += _data(values, task_class, allow)
    for key, argument in {"optimizer": "optimizer", "scheduler": "schedule"}.items():
        if values.get(key) is None:
            finder.locate(None, key)
        problems += _alone(values, key, allow, arguments.get(argument, Any))
    problems += _settled(values, "trainer", allow)
    for key in ("callbacks", "logger"):  # the run gives each of them what it asks for
        problems += _alone(values, key, allow, is_slot=True)
    return problems + finder.problems


def _several(values: Mapping[str, Any]) -> list[Problem]:
    """What makes several runs of one command."""
    seeds, restarts, select = values.get("seeds"), values.get("restarts"), values.get("select")
    problems = []
    if seeds is not None and restarts is not None:
        message = (
            "does not go with seeds, of which one would be a restart of another; "
            "seqlab sweep seed=1,101,201 restarts=N repeats the restarts"
        )
        problems.append(Problem(key="restarts", given=str(restarts), message=message))
    validates = (values.get("trainer") or {}).get("limit_val_batches") != 0
    if restarts is not None and select == "val" and not validates:
        message = "nothing is validated: trainer.limit_val_batches is 0"
        problems.append(Problem(key="select", given="val", message=message, allowed=("train",)))
    if values.get("resume") is not None:  # what else is needed then stands in the run's own config
        return problems
    if restarts is None and select not in (None, "val"):
        message = "chooses between restarts, of which there are none: restarts=N"
        problems.append(Problem(key="select", given=str(select), message=message))
    if seeds is None and restarts is None and (values.get("n_jobs") or 1) > 1:
        message = "says how many runs go on at once, but there is one: seeds=N or restarts=N"
        problems.append(Problem(key="n_jobs", given=str(values["n_jobs"]), message=message))
    return problems


def _alone(
    values: Mapping[str, Any],
    key: str,
    allow: list[str],
    annotation: Any = Any,
    *,
    is_slot: bool = False,
) -> list[Problem]:
    """A node at the top that is a part, or holds some."""
    checker = PartChecker(allow, OFFERS.get(key, frozenset()))
    if values.get(key) is not None:
        checker.value(values[key], annotation, key, is_slot=is_slot)
    return checker.problems


def _settled(values: Mapping[str, Any], key: str, allow: list[str]) -> list[Problem]:
    """A node at the top that is settings alone: to make them costs nothing and says what is left.

    What a signature cannot say, such as the least of a number, they refuse themselves.
    """
    problems, node = _alone(values, key, allow), values.get(key)
    if not problems and node is not None and UNRESOLVED not in node.values():
        try:
            build(node, allow=allow)
        except UserError as error:
            problems += error.problems
    return problems


def _model(values: Mapping[str, Any], task_class: Any, allow: list[str]) -> list[Problem]:
    checker = PartChecker(allow, supplied=task_class.supplied_sizes)
    model_class = checker.locate(values.get("model"), "model")
    if model_class is None:
        return checker.problems
    interface = task_class.interface
    if not (isinstance(model_class, type) and issubclass(model_class, interface)):
        return [_misfit(values, "model", f"it is no {interface.__name__}")]
    checker.part(values["model"], Any, "model")
    return checker.problems


def _data(values: Mapping[str, Any], task_class: Any, allow: list[str]) -> list[Problem]:
    checker = PartChecker(allow)
    data_class = checker.locate(values.get("data"), "data")
    if data_class is None:
        return checker.problems
    if getattr(data_class, "batch_type", None) is not task_class.batch_type:
        return [_misfit(values, "data", f"its batches are no {task_class.batch_type.__name__}")]
    checker.part(values["data"], Any, "data")
    return checker.problems + data_files.problems(values)


def _misfit(values: Mapping[str, Any], group: str, reason: str) -> Problem:
    """A model or a data set that belongs to another task."""
    chosen = values.get("choices") or {}
    task = chosen.get("task", "")
    allowed = catalog.fitting(task, group) if task in catalog.names("task") else ()
    given = chosen.get(group, values[group]["_target_"])
    message = f"does not fit the task {task}: {reason}"
    homes = [name for name in catalog.names("task") if given in catalog.fitting(name, group)]
    if homes:
        message += f"; it belongs to {' and '.join(f'task={home}' for home in homes)}"
    near = nearest(given, allowed)
    return Problem(key=group, given=given, message=message, allowed=allowed, nearest=near)
