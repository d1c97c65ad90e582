"""What shows again and again in a collection: squares of four patches, looked for in all images."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor

from seqlab.components.mining.constellations import Matches, find, without_repetitions
from seqlab.components.mining.purity import purity, purity_curve
from seqlab.config.errors import Problem, UserError
from seqlab.data.context import ContextDataModule
from seqlab.run.assemble import prepare_torch
from seqlab.run.environment import sound_threads
from seqlab.run.patch_reading import (
    Collection,
    calibrate,
    device_of,
    open_collection,
    random_reader,
    read_patches,
)
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen, logging_to
from seqlab.viz.clusters import ShownCluster, cluster_figure, purity_figure

MEMBERS_SHOWN = 7


class _Cluster(NamedTuple):
    """A constellation, and where it was found again."""

    constellation: Tensor  # [4], numbers of patches
    matches: Matches


def mine(config: DictConfig) -> Path:
    """Find the constellations that show in most images; the folder with list and figures.

    Doersch et al. (2015), section 5. Where pixels are labelled, each cluster also gets the share of
    its members in whose square the most frequent class is the same.

    Args:
        config: a validated config of `seqlab mine`.

    Raises:
        UserError: the run cannot be read or has no patches, the step does not divide a patch, or no
            image has room for four patches.
    """
    prepare_torch(threads=config.threads or sound_threads())
    folder = Path(config.output or Path(config.run) / "clusters")
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen()
    with logging_to(folder / "mine.log"):
        saved, datamodule, reader = open_collection(config)
        if config.random:
            reader = random_reader(saved)
            calibrate(reader, datamodule, config)
        size = datamodule.grid.patch_size
        step = config.step or max(1, size // 4)
        if size % step:
            message = f"does not divide a patch of {size} pixels"
            raise UserError([Problem(key="step", given=str(step), message=message)])
        collection = read_patches(config, datamodule, [reader], step, screen)
        squares = _draw_squares(collection, size // step, config.num_constellations, config.seed)
        if not squares:
            message = "has no image with room for two rows and two columns of patches"
            raise UserError([Problem(key="split", given=config.split, message=message)])
        clusters = _look_for(collection, squares, config, screen)
        metrics = _report(config, datamodule, collection, clusters, folder)
        RunDir(folder).write_metrics(metrics)
        screen.metrics_table(metrics, f"{len(clusters)} clusters of {config.split}")
        screen.line(f"clusters, figures and list are in {folder}")
    return folder


def _draw_squares(collection: Collection, apart: int, count: int, seed: int) -> list[Tensor]:
    """Four patches each that meet in a corner, by chance, numbers [4] in reading order.

    Args:
        collection: all patches.
        apart: steps from a patch to the one beside it.
        count: how many at most.
        seed: which.
    """
    squares, first = [], 0
    for rows, columns in collection.grids:
        number = first + torch.arange(rows * columns).view(rows, columns)
        upper, lower = number[: rows - apart], number[apart:]
        four = (
            upper[:, : columns - apart],
            upper[:, apart:],
            lower[:, : columns - apart],
            lower[:, apart:],
        )
        squares += list(torch.stack([each.reshape(-1) for each in four], dim=1))
        first += rows * columns
    chosen = np.random.default_rng(seed).permutation(len(squares))[:count]
    return [squares[index] for index in chosen.tolist()]


def _look_for(
    collection: Collection, squares: Sequence[Tensor], config: DictConfig, screen: Screen
) -> list[_Cluster]:
    """The constellations with the most verified matches, the best first."""
    patches = collection.patches[0]
    device = device_of(config)
    patches = patches._replace(features=patches.features.to(device))
    patches = patches._replace(images=patches.images.to(device))
    found: list[Matches] = []
    with screen.counting("looking for constellations") as tell:
        for square in squares:
            matches = find(
                square.to(device),
                patches._replace(centres=patches.centres.to(device)),
                len(collection.image_ids),
                config.most_matches,
            )
            found.append(Matches(*(each.cpu() for each in matches)))
            tell(len(found), len(squares))
    best = without_repetitions(found, config.num_clusters, config.overlap)
    return [_Cluster(squares[number], found[number]) for number in best]


def _report(
    config: DictConfig,
    datamodule: ContextDataModule,
    collection: Collection,
    clusters: Sequence[_Cluster],
    folder: Path,
) -> dict[str, float]:
    """Write list and figures; the numbers of the whole."""
    size = datamodule.grid.patch_size
    members = [cluster.matches.patches[cluster.matches.verified] for cluster in clusters]
    labels = [
        _labels(datamodule, collection, torch.cat([c.constellation.unsqueeze(0), own]))
        for c, own in zip(clusters, members, strict=True)
    ]
    shown, rows = [], []
    for cluster, own, label in zip(clusters, members, labels, strict=True):
        pure = None if label is None else purity(label)
        pictures = [_square(datamodule, collection, cluster.constellation, size)]
        pictures += [_square(datamodule, collection, four, size) for four in own[:MEMBERS_SHOWN]]
        shown.append(ShownCluster(pictures, len(own), len(cluster.matches.images), pure))
        rows.append(
            {
                "seed": _told(collection, cluster.constellation),
                "verified": [_told(collection, four) for four in own],
                "purity": pure,
            }
        )
    cluster_figure(shown, folder / "clusters.png")
    atomic_write(folder / "clusters.json", json.dumps(rows, indent=1) + "\n")
    images = [collection.patches[0].images[own[:, 0]] for own in members]
    covered = {number for each in images for number in each.tolist()}
    verified = [len(own) for own in members]
    metrics = {
        f"{config.split}/verified_matches": float(np.mean(verified)) if verified else 0.0,
        f"{config.split}/coverage": len(covered) / len(collection.image_ids),
    }
    known = [label for label in labels if label is not None]
    if known and len(known) == len(clusters):
        own_images = [
            torch.cat([collection.patches[0].images[c.constellation[:1]], each])
            for c, each in zip(clusters, images, strict=True)
        ]
        curve = purity_curve(own_images, known, len(collection.image_ids))
        purity_figure(curve.coverage.numpy(), curve.purity.numpy(), folder / "purity.png")
        metrics[f"{config.split}/purity"] = float(curve.purity[-1])
    return metrics


def _labels(datamodule: ContextDataModule, collection: Collection, fours: Tensor) -> Tensor | None:
    """The most frequent class in the square of each of several members [M, 4]; None without."""
    size = datamodule.grid.patch_size
    found = []
    for four in fours:
        image = collection.image_ids[int(collection.patches[0].images[four[0]])]
        labels = datamodule.labels(image)
        if labels is None:
            return None
        top, left, bottom, right = _bounds(collection, four, size)
        found.append(int(labels[top:bottom, left:right].flatten().long().bincount().argmax()))
    return torch.tensor(found)


def _bounds(collection: Collection, four: Tensor, size: int) -> tuple[int, int, int, int]:
    """The pixels around four patches: top, left, bottom, right."""
    tops, lefts = collection.tops[four], collection.lefts[four]
    return (
        int(tops.min()),
        int(lefts.min()),
        int(tops.max()) + size,
        int(lefts.max()) + size,
    )


def _square(
    datamodule: ContextDataModule, collection: Collection, four: Tensor, size: int
) -> NDArray[np.float32]:
    """What an image shows around four of its patches, [height, width, 3]."""
    image = datamodule.image(collection.image_ids[int(collection.patches[0].images[four[0]])])
    top, left, bottom, right = _bounds(collection, four, size)
    return np.asarray(image[:, top:bottom, left:right].permute(1, 2, 0).clamp(0, 1))


def _told(collection: Collection, four: Tensor) -> dict[str, Any]:
    """Where four patches lie, for the list."""
    image = collection.image_ids[int(collection.patches[0].images[four[0]])]
    places = torch.stack([collection.tops[four], collection.lefts[four]], dim=1)
    return {"image": image, "patches": places.tolist()}
