"""Every yaml of conf/, found by itself: what it says, what it names, and that it composes."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import yaml

from seqlab.config import catalog, schema
from seqlab.config.annotations import signature_of
from seqlab.config.build import build, locate
from seqlab.config.compose import Composed, resolve
from seqlab.config.errors import Problem, render
from seqlab.config.validate import OFFERS, validate

FILES = sorted(catalog.conf_dir().rglob("*.yaml"))
ENTRIES = [(group, name) for group in catalog.groups() for name in catalog.names(group)]
# What a yaml leaves open by `???`.
GIVEN = {
    "backbone/timm": ("model.backbone.name=resnet18",),
    "data/image_folders": ("data.source.folders=[photos]",),
}


def targets(node: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All nodes with a `_target_`, by their keys."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield key, node
        for name, value in node.items():
            yield from targets(value, f"{key}.{name}" if key else name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(catalog.conf_dir()).as_posix())
def test_head(path: Any) -> None:
    """A line that says what it is; Hydra reads a package line only at the very top."""
    lines = path.read_text(encoding="utf-8").splitlines()
    packages = [at for at, line in enumerate(lines) if line.lstrip("# ").startswith("@package")]
    assert packages in ([], [0])
    description = lines[len(packages)]
    assert description.startswith("# ")
    assert len(description) > 10
    assert yaml.safe_load(path.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize(("group", "name"), ENTRIES, ids=["/".join(e) for e in ENTRIES])
def test_targets_and_their_arguments(group: str, name: str) -> None:
    """Each argument with a default stands in the yaml: it is the list of what can be set."""
    entry = catalog.describe(group, name)
    mounted = {slot.package for slot in entry.slots}
    for key, node in targets(entry.values):
        target = locate(node["_target_"])
        if not target.__module__.startswith("seqlab."):
            continue
        signature = signature_of(target)
        here = {place.rpartition(".")[2] for place in mounted if place.rpartition(".")[0] == key}
        given = set(node) - {"_target_"} | here
        assert given <= set(signature.annotations), f"{name}: {key}"
        hidden = set(signature.annotations) - given - signature.required
        assert not hidden, f"{name}: {key} of {target.__name__} could also set {sorted(hidden)}"


@functools.cache
def composed(overrides: tuple[str, ...]) -> Composed:
    return resolve("train", overrides)


def is_absence(problem: Problem) -> bool:
    """Whether only data or weights are not here."""
    no_file = problem.message.startswith("there is no such file")
    return no_file or problem.key == "data" or problem.key.endswith(".weights")


def rounds(groups: Sequence[str], *always: str) -> Iterator[tuple[str, ...]]:
    """Overrides that bring in each name of independent groups, as many at once as can be."""
    choices = ([(group, name) for name in catalog.names(group)] for group in groups)
    for chosen in itertools.zip_longest(*choices):
        overrides = [*always]
        for group, name in filter(None, chosen):
            overrides += [f"{group}={name}", *GIVEN.get(f"{group}/{name}", ())]
        yield tuple(overrides)


def models_with_parts() -> Iterator[tuple[str, ...]]:
    """Each part in each model that has a slot for it; backbones, which are large, elsewhere."""
    for task in catalog.names("task"):
        parts = catalog.parts(task)
        for model in catalog.fitting(task, "model"):
            groups = [g for g, models in parts.items() if model in models and g != "backbone"]
            yield from rounds(groups, f"task={task}", f"model={model}")


def swaps() -> Iterator[tuple[str, ...]]:
    """Overrides that bring in each yaml at least once, with a task and a model that take it."""
    yield from models_with_parts()
    for task in catalog.names("task"):
        parts = catalog.parts(task)
        if "backbone" in parts:
            yield from rounds(["backbone"], f"task={task}", f"model={parts['backbone'][0]}")
        yield from rounds([group for group in parts if not parts[group]], f"task={task}")
        for name in catalog.fitting(task, "data"):
            yield (f"task={task}", f"data={name}", *GIVEN.get(f"data/{name}", ()))
    whole = {"task", "model", "data", "experiment", "debug"}
    yield from rounds(sorted(catalog.root_groups("train") - whole))
    for group in ("experiment", "debug"):
        yield from rounds([group])


@pytest.mark.parametrize("overrides", list(swaps()), ids=" ".join)
def test_every_yaml_composes(overrides: tuple[str, ...]) -> None:
    found = [*composed(overrides).problems, *validate(composed(overrides).config)]
    assert render([problem for problem in found if not is_absence(problem)]) == ""


@pytest.mark.parametrize("overrides", list(models_with_parts()), ids=" ".join)
def test_parts_are_built_in_their_models(overrides: tuple[str, ...]) -> None:
    """Sizes offered and sizes in yaml files together are all that a part needs."""
    config = composed(overrides).config
    task_class = locate(config.task._target_)
    supplied = {size: 0 if size.endswith("_id") else 11 for size in task_class.supplied_sizes}
    assert isinstance(build(config.model, **supplied), task_class.interface)


def test_every_yaml_belongs_somewhere() -> None:
    """No group, model or data set that no task takes: it would be in no list."""
    reached = {slot.group for verb in schema.SCHEMAS for slot in catalog.primary(verb).slots}
    for task in catalog.names("task"):
        reached |= {"model", "data", *catalog.parts(task)}
        assert catalog.fitting(task, "model")
        assert catalog.fitting(task, "data")
    assert set(catalog.groups()) <= reached
    for group in ("model", "data"):
        fitting = [catalog.fitting(task, group) for task in catalog.names("task")]
        assert set(catalog.names(group)) == set(itertools.chain(*fitting))


def test_offers_are_arguments() -> None:
    """What validation takes to be offered is what the classes ask for."""
    for task in catalog.names("task"):
        target = locate(str(catalog.describe("task", task).target))
        assert OFFERS["task"] <= set(signature_of(target).annotations)
