"""The keys of a command itself; the keys of a part are the arguments of its `_target_`.

Nothing is imported here but the standard library, so that completion and help may read the names.
"""

from dataclasses import dataclass, field, fields
from typing import Any

MISSING: Any = "???"  # OmegaConf's mark of a value that has to be given
TEXTS = {"texts": True}  # marks a key that takes a text or a list; OmegaConf knows no such type
ONE_OF = "one_of"  # marks a key that takes one of a few words


@dataclass
class Paths:
    """Where things lie; the environment variables SEQLAB_DATA and SEQLAB_RUNS move them."""

    data: str = "${oc.env:SEQLAB_DATA,./data}"
    runs: str = "${oc.env:SEQLAB_RUNS,./runs}"
    cache: str = "${paths.runs}/.cache"


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


@dataclass
class FeaturesConfig:
    """What a layer of a run's network says of each example of a data set.

    Args:
        run: the run directory.
        layer: name of a module of the network, such as fc6.
        output: where the features go; null is the folder features/LAYER of the run, or
            features/LAYER_DATA for another data set than its own.
        checkpoint: `best`, `last` or the path of a checkpoint.
        overlap: frames that a clip shares with the next of its video; null takes
            data.clips_per_video clips, evenly spaced; means nothing where images are read.
        pool: `average`, one vector for each video, or `none`, one for each clip; as above.
        maps: `whole` keeps each number of a layer that has places; `mean` averages over the places.
        normalise: whether each vector is divided by its length.
        batch_size: clips or images that are read at once.
        chunk_size: videos or images after which what is done is kept.
        seed: of the data, where another set than the run's own has chance in it.
        threads: of torch on the CPU; null chooses.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        data: the data set; null is the run's own.
        trainer: arguments of lightning's Trainer, of which accelerator matters here.
    """

    run: str = MISSING
    layer: str = MISSING
    output: str | None = None
    checkpoint: str = "best"
    overlap: int | None = 8
    pool: str = field(default="average", metadata={ONE_OF: ("average", "none")})
    maps: str = field(default="whole", metadata={ONE_OF: ("whole", "mean")})
    normalise: bool = True
    batch_size: int = 16
    chunk_size: int = 16
    seed: int = 1
    threads: int | None = None
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    data: Any = None
    trainer: Any = None


@dataclass
class ProbeConfig:
    """How well a simple classifier does on features.

    Args:
        features: what `seqlab features` wrote, or a list of those that are laid side by side.
        protocol: `splits` fits on train and val and tests on test; `folds` tests on each of
            `num_folds` parts of all examples in turn; `random` on `num_folds` random parts;
            `leave_one_out` on each example; `pairs` asks of two videos whether they are of one
            class, by how alike their features are, and tests on each fold of pairs in turn.
        num_folds: of `folds` and `random`, and of `pairs` where the data set brings none.
        test_share: of all examples, which `random` tests on; classes keep their shares.
        pairs_per_fold: of pairs that are drawn, half of them of one class.
        compactness: dimensions of the principal components with which it is repeated.
        embedding: whether examples are drawn in two dimensions (t-SNE).
        output: where metrics, predictions and figures go; null is the folder probe of the features.
        seed: of folds, classifier and embedding.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        probe: the classifier.
    """

    features: Any = field(default=MISSING, metadata=TEXTS)
    protocol: str = field(
        default="splits",
        metadata={ONE_OF: ("splits", "folds", "random", "leave_one_out", "pairs")},
    )
    num_folds: int = 5
    test_share: float = 0.25
    pairs_per_fold: int = 600
    compactness: list[int] = field(default_factory=lambda: [10, 25, 50, 100, 250, 500])
    embedding: bool = True
    output: str | None = None
    seed: int = 1
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    probe: Any = None


@dataclass
class NeighboursConfig:
    """Which patches a network finds alike.

    Args:
        run: the run directory of a network that reads patches.
        beside: a run directory, or a list of them, whose networks are asked too.
        random: whether the network of `run` is asked once more with random weights.
        split: whose images are looked through: `train`, `val` or `test`.
        num_images: images that are looked through at most.
        num_queries: patches whose neighbours are shown; chosen by `seed`.
        num_neighbours: of each.
        step: pixels from a patch to the next; null is half a patch.
        output: where figure and table go; null is the folder neighbours of the run.
        checkpoint: `best`, `last` or the path of a checkpoint.
        seed: of the choice of images and queries.
        threads: of torch on the CPU; null chooses.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        backbone: an image network that is asked too, such as one trained to name objects.
        trainer: arguments of lightning's Trainer, of which accelerator matters here.
    """

    run: str = MISSING
    beside: Any = field(default=None, metadata=TEXTS)
    random: bool = True
    split: str = field(default="test", metadata={ONE_OF: ("train", "val", "test")})
    num_images: int = 500
    num_queries: int = 8
    num_neighbours: int = 7
    step: int | None = None
    output: str | None = None
    checkpoint: str = "best"
    seed: int = 1
    threads: int | None = None
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    backbone: Any = None
    trainer: Any = None


@dataclass
class MineConfig:
    """What shows again and again in a collection of images.

    Args:
        run: the run directory of a network that reads patches.
        random: whether the weights are drawn anew instead, to see what the training has brought.
        split: whose images are looked through: `train`, `val` or `test`.
        num_images: images that are looked through at most.
        num_constellations: squares of four patches that are looked for; chosen by `seed`.
        most_matches: images in which one of them is looked for closely; 100 in the paper.
        num_clusters: how many of the best are kept.
        overlap: share of their images that two of them have in common at most.
        step: pixels from a patch to the next; null is a quarter of a patch, and it divides a patch.
        output: where clusters and figures go; null is the folder clusters of the run.
        checkpoint: `best`, `last` or the path of a checkpoint.
        seed: of the choice of images and constellations.
        threads: of torch on the CPU; null chooses.
        allow: packages beside seqlab's own list whose classes a `_target_` may name.
        paths: where data, runs and caches lie.
        choices: which yaml of each group was chosen; written by `compose`.
        trainer: arguments of lightning's Trainer, of which accelerator matters here.
    """

    run: str = MISSING
    random: bool = False
    split: str = field(default="train", metadata={ONE_OF: ("train", "val", "test")})
    num_images: int = 500
    num_constellations: int = 500
    most_matches: int = 100
    num_clusters: int = 10
    overlap: float = 0.5
    step: int | None = None
    output: str | None = None
    checkpoint: str = "best"
    seed: int = 1
    threads: int | None = None
    allow: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    choices: dict[str, str] = field(default_factory=dict)
    trainer: Any = None


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
