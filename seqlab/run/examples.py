"""What a probe learns from and is tested on: videos, or pairs of them."""

from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

import numpy as np
from omegaconf import DictConfig

from seqlab.components.probes.interface import Array
from seqlab.config.errors import Problem, UserError
from seqlab.run.feature_files import Features
from seqlab.run.pairs import draw_pairs, pair_features
from seqlab.run.protocols import PAIRS, Labels

SAME_OR_NOT = ("not same", "same")


class Examples(NamedTuple):
    """Examples of a protocol."""

    names: tuple[str, ...]
    matrix: Array  # [N, D]
    labels: Labels  # [N]
    classes: tuple[str, ...]
    splits: list[str]  # `train`, `val` or `test`; of pairs the name of their fold


def examples_of(config: DictConfig, several: Sequence[Features]) -> Examples:
    """The videos, or the pairs of them, that several features are of.

    Args:
        config: of `seqlab probe`.
        several: features of the same videos.

    Raises:
        ValueError: there are no such pairs.
    """
    first = several[0]
    if config.protocol != PAIRS:
        return Examples(
            names=tuple(row["name"] for row in first.index),
            matrix=np.concatenate([each.matrix for each in several], axis=1),
            labels=np.array([row["label"] for row in first.index]),
            classes=first.classes,
            splits=[row["split"] for row in first.index],
        )
    pairs = first.pairs or draw_pairs(
        first.index,
        num_folds=config.num_folds,
        pairs_per_fold=config.pairs_per_fold,
        seed=config.seed,
    )
    return Examples(
        names=tuple(f"{pair.first} | {pair.second}" for pair in pairs),
        matrix=pair_features(several, pairs),
        labels=np.array([int(pair.same) for pair in pairs]),
        classes=SAME_OR_NOT,
        splits=[str(pair.fold) for pair in pairs],
    )


def signature(config: DictConfig, several: Sequence[Features], settings: Sequence[str]) -> str:
    """What the numbers of a probe are a function of, in one line.

    Args:
        config: of `seqlab probe`.
        several: what it was told of the examples.
        settings: that were chosen.
    """
    sources = [
        f"{each.source['layer']} of {each.source['checkpoint'][:12]} on "
        f"{each.source['split_hash'][:12]}"
        for each in several
    ]
    whence = ""
    if config.protocol == PAIRS:
        drawn = f" drawn in {config.num_folds} folds of up to {config.pairs_per_fold}"
        whence = " of the data set" if several[0].pairs else drawn
    parts = [
        f"probe {config.choices.probe}: {', '.join(settings)}",
        f"protocol {config.protocol}{whence}",
        f"seed {config.seed}",
        *sources,
        f"scikit-learn {metadata.version('scikit-learn')}",
    ]
    return "; ".join(parts)


def refuse_unlike(several: Sequence[Features]) -> None:
    """Features side by side have to be of the same videos.

    Raises:
        UserError: they are not.
    """
    first, problems = several[0], []
    for each in several:
        if each.source.get("pool") == "none":
            message = "has a row for each clip; probes want one for each video: pool=average"
            problems.append(Problem(key="features", given=str(each.path), message=message))
    names = ("name", "split", "label")
    for each in several[1:]:
        message = ""
        if each.classes != first.classes:
            message = "has other classes"
        elif len(each.index) != len(first.index):
            message = f"has {len(each.index)} videos, not {len(first.index)}"
        else:
            for row, other in zip(each.index, first.index, strict=True):
                unlike = [name for name in names if row[name] != other[name]]
                if unlike:
                    name = unlike[0]
                    message = f"{row['name']} has {name} {row[name]}, not {other[name]}"
                    break
        if message:
            message = f"does not fit {first.path}: {message}"
            problems.append(Problem(key="features", given=str(each.path), message=message))
    if problems:
        raise UserError(problems)
