"""The keys of the verbs that look at what trained networks know.

Nothing is imported but the standard library, as in `schema`.
"""

from dataclasses import dataclass, field
from typing import Any

from seqlab.config.schema_marks import MISSING, ONE_OF, TEXTS, Paths


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
