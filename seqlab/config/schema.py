"""The keys of a command itself; the keys of a part are the arguments of its `_target_`.

Only the standard library and other keys are imported here, so that completion and help may read
the names.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from seqlab.config.schema_marks import MISSING, ONE_OF, TEXTS, Paths
from seqlab.config.schema_networks import (
    FeaturesConfig,
    MineConfig,
    NeighboursConfig,
    ProbeConfig,
)


@dataclass
class TrainConfig:
    """What a training run is made of.

    Args:
        seed: of weights, data order, augmentation and dropout.
        seeds: how many seeds to run, from `seed` upwards; null runs `seed` alone.
        restarts: how many seeds to run, from `seed` upwards, to keep the best of; null for none.
        select: which restart is kept: `val`, the best validation of the metric that the task
            monitors, or `train`, the lowest mean training loss of the last epoch.
        n_jobs: runs of `seeds` or `restarts` at once; null is one for each GPU, or without one for
            every `threads` cores.
        run_dir: where the run is kept; null is paths.runs/<task>/<model>/<time>.
        resume: a run directory to go on with.
        init_from: a run directory, or a checkpoint, whose backbone this run's backbone starts from.
        init_rescale: whether the first weights are rescaled by some training batches, so that new
            layers neither vanish nor explode and all learn at one rate.
        threads: of torch on the CPU; null chooses.
        deterministic: equal seeds give equal results.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`, for names and look-ups.
    """

    seed: int = 1
    seeds: int | None = None
    restarts: int | None = None
    select: str = field(default="val", metadata={ONE_OF: ("val", "train")})
    n_jobs: int | None = None
    run_dir: str | None = None
    resume: str | None = None
    init_from: str | None = None
    init_rescale: bool = False
    threads: int | None = None
    deterministic: bool = True
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    task: Any = None
    model: Any = None
    data: Any = None
    optimizer: Any = None
    scheduler: Any = None
    trainer: Any = None
    callbacks: Any = None
    logger: Any = None


@dataclass
class EvalConfig:
    """How a run is evaluated.

    Args:
        run: the run directory, or a list of those that make an ensemble.
        output: where metrics, predictions and figures go; null is the run itself, and for an
            ensemble a folder below paths.runs/<task>/ensembles.
        checkpoint: `best`, `last` or the path of a checkpoint.
        split: `test` or `val`.
        num_figures: how many examples are drawn.
        threads: of torch on the CPU; null chooses.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        decoding: a search to use in place of the run's own; null keeps the run's.
        inference: how images are shown to the network, in place of the run's own way.
        trainer: arguments of lightning's Trainer: accelerator, devices, precision and more.
    """

    run: Any = field(default=MISSING, metadata=TEXTS)
    output: str | None = None
    checkpoint: str = "best"
    split: str = field(default="test", metadata={ONE_OF: ("test", "val")})
    num_figures: int = 8
    threads: int | None = None
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    decoding: Any = None
    inference: Any = None
    trainer: Any = None


@dataclass
class PredictConfig:
    """How a run is used on what a person has.

    Args:
        run: the run directory, or a list of those that make an ensemble.
        input: a file, a folder, a glob in quotes, or `-` for lines of standard input; a task that
            reads lines asks for them at a terminal where nothing is given.
        output: where predictions and figures go; null is the folder `predictions` of the run, or of
            the ensemble below paths.runs/<task>/ensembles.
        checkpoint: `best`, `last` or the path of a checkpoint.
        batch_size: inputs that are handled at once; one where a person types them.
        figures: whether they are drawn; null draws images and leaves sentences undrawn.
        threads: of torch on the CPU; null chooses.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        decoding: a search to use in place of the run's own; null keeps the run's.
        inference: how images are shown to the network, in place of the run's own way.
        trainer: arguments of lightning's Trainer, of which accelerator and precision matter here.
    """

    run: Any = field(default=MISSING, metadata=TEXTS)
    input: str = MISSING
    output: str | None = None
    checkpoint: str = "best"
    batch_size: int = 16
    figures: bool | None = None
    threads: int | None = None
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    decoding: Any = None
    inference: Any = None
    trainer: Any = None


@dataclass
class SweepConfig:
    """How the jobs of a sweep are found and run; what a job is, the overrides say.

    Args:
        sweep_dir: where the sweep is kept, and found again; null derives it from the overrides.
        n_jobs: jobs at once.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        sweep: the search: a grid, or a sampler with pruning.
        launcher: where jobs run: processes of this machine, or a cluster.
    """

    sweep_dir: str | None = None
    n_jobs: int = 1
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    sweep: Any = None
    launcher: Any = None


SCHEMAS: dict[str, type] = {
    "train": TrainConfig,
    "eval": EvalConfig,
    "predict": PredictConfig,
    "sweep": SweepConfig,
    "features": FeaturesConfig,
    "probe": ProbeConfig,
    "neighbours": NeighboursConfig,
    "mine": MineConfig,
}


def parts(verb: str) -> list[str]:
    """The keys of a verb under which parts stand."""
    known, others = fields(SCHEMAS[verb]), lists(verb)
    return [item.name for item in known if item.type is Any and item.name not in others]


def keys(verb: str) -> list[str]:
    """The dotted keys of a verb that are no groups, `choices` left out: nobody sets it."""
    names = [item.name for item in fields(SCHEMAS[verb]) if item.name not in parts(verb)]
    names.remove("choices")
    at = names.index("paths")
    return names[:at] + [f"paths.{item.name}" for item in fields(Paths)] + names[at + 1 :]


def texts(verb: str) -> list[str]:
    """The dotted keys of a verb that take one text."""
    names = [item.name for item in fields(SCHEMAS[verb]) if item.type in (str, str | None)]
    return names + [f"paths.{item.name}" for item in fields(Paths)]


def lists(verb: str) -> list[str]:
    """The keys of a verb that take a text or a list of them."""
    return [item.name for item in fields(SCHEMAS[verb]) if item.metadata == TEXTS]


def choices(verb: str) -> dict[str, tuple[str, ...]]:
    """The keys of a verb that take one of a few words, with these."""
    marked = [item for item in fields(SCHEMAS[verb]) if ONE_OF in item.metadata]
    return {item.name: item.metadata[ONE_OF] for item in marked}


def as_list(given: Any) -> list[str]:
    """What stands under a key that takes a text or a list; empty where nothing was given."""
    if given is None or given == MISSING:
        return []
    return [given] if isinstance(given, str) else [str(each) for each in given]


def register() -> None:
    """Put the schemas where a yaml's defaults list finds them, as `train_schema` and so on."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    for verb, schema in SCHEMAS.items():
        store.store(name=f"{verb}_schema", node=schema)
