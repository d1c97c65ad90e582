"""Which patches networks find alike: the nearest neighbours of some, network by network."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor

from seqlab.components.mining.constellations import Patches
from seqlab.config import schema
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import prepare_torch, read_checkpoint, reassemble
from seqlab.run.environment import sound_threads
from seqlab.run.patch_reading import (
    Collection,
    PatchReader,
    calibrate,
    cut_patch,
    open_collection,
    random_reader,
    read_patches,
    reader_of,
)
from seqlab.run.rundir import atomic_write
from seqlab.run.screen import Screen, logging_to
from seqlab.viz.neighbours import NeighbourRow, neighbour_figure


def neighbours(config: DictConfig) -> Path:
    """Draw the nearest neighbours of some patches; the folder with the figures.

    A neighbour is of another image than the query, and each image gives one at most.

    Args:
        config: a validated config of `seqlab neighbours`.

    Raises:
        UserError: a run cannot be read, has no patches or no network for them, or there are too few
            images.
    """
    prepare_torch(threads=config.threads or sound_threads())
    folder = Path(config.output or Path(config.run) / "neighbours")
    folder.mkdir(parents=True, exist_ok=True)
    screen = Screen()
    with logging_to(folder / "neighbours.log"):
        saved, datamodule, own = open_collection(config)
        readers = [own]
        if config.random:
            readers.append(random_reader(saved))
            calibrate(readers[-1], datamodule, config)
        readers += _others(config)
        step = config.step or max(1, datamodule.grid.patch_size // 2)
        collection = read_patches(config, datamodule, readers, step, screen)
        num_images = len(collection.image_ids)
        if num_images <= config.num_neighbours:
            message = f"is too many: {num_images} images of {config.split} are looked through"
            raise UserError(
                [Problem(key="num_neighbours", given=str(config.num_neighbours), message=message)]
            )
        queries = _queries(collection.patches[0], config.num_queries, config.seed)
        rows, kept = [], []
        for query in queries:
            found = [nearest(each, query, config.num_neighbours) for each in collection.patches]
            rows.append(
                NeighbourRow(
                    _picture(cut_patch(datamodule, collection, query)),
                    [
                        [_picture(cut_patch(datamodule, collection, n)) for n in each.tolist()]
                        for each in found
                    ],
                )
            )
            kept.append(
                {
                    "query": _told(collection, query),
                    **{
                        reader.name: [_told(collection, n) for n in each.tolist()]
                        for reader, each in zip(readers, found, strict=True)
                    },
                }
            )
        names = [reader.name for reader in readers]
        neighbour_figure(rows, names, folder / "neighbours.png")
        atomic_write(folder / "neighbours.json", json.dumps(kept, indent=1) + "\n")
        screen.line(
            f"{len(collection.tops)} patches of {num_images} images; "
            f"figure and list are in {folder}"
        )
    return folder


def _others(config: DictConfig) -> list[PatchReader]:
    """The networks that are asked beside that of the run."""
    readers = []
    for run in schema.as_list(config.beside):
        saved = read_checkpoint(Path(run), "best", list(config.allow))
        parts = reassemble([saved], data_dir=config.paths.data, with_data=False)
        readers.append(reader_of(parts.task.model, Path(run).name))
    if config.backbone is not None:
        backbone = build(config.backbone, allow=config.allow)
        readers.append(reader_of(backbone, str(config.choices.backbone)))
    return readers


def nearest(patches: Patches, query: int, count: int) -> Tensor:
    """The patches most like another, each of another image, the best first, [count]."""
    similar = patches.features @ patches.features[query]  # [N]
    num_images = int(patches.images[-1]) + 1
    best = similar.new_full((num_images,), -torch.inf)  # [I]
    best.scatter_reduce_(0, patches.images, similar, "amax")
    best[patches.images[query]] = -torch.inf
    images = best.topk(count).indices  # [count]
    found = []
    for image in images:
        first, last = torch.searchsorted(patches.images, torch.stack([image, image + 1])).tolist()
        found.append(first + int(similar[first:last].argmax()))
    return torch.tensor(found)


def _queries(patches: Patches, count: int, seed: int) -> list[int]:
    """Patches by chance, each of another image as far as there are as many."""
    chance = np.random.default_rng(seed)
    images = chance.permutation(int(patches.images[-1]) + 1)[:count]
    queries = []
    for image in images.tolist():
        own = (patches.images == image).nonzero()[:, 0]
        queries.append(int(own[chance.integers(len(own))]))
    return queries


def _told(collection: Collection, number: int) -> dict[str, Any]:
    """Where a patch lies, for the list."""
    image = collection.image_ids[int(collection.patches[0].images[number])]
    top, left = int(collection.tops[number]), int(collection.lefts[number])
    return {"image": image, "top": top, "left": left}


def _picture(patch: Tensor) -> NDArray[np.float32]:
    return np.asarray(patch.permute(1, 2, 0).clamp(0, 1))
