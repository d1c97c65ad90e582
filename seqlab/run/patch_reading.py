"""What networks say of the patches all over the images of a collection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from seqlab.components.backbones.interface import Backbone
from seqlab.components.mining.constellations import Patches
from seqlab.config import catalog
from seqlab.config.errors import Problem, UserError
from seqlab.data.context import ContextDataModule
from seqlab.models.interfaces import ContextModel
from seqlab.run.assemble import Saved, read_checkpoint, reassemble, untrained
from seqlab.run.screen import Screen

BATCH = 256  # patches that are read at once
_CALIBRATING = 2048  # patches of which random networks take the statistics that training would


@dataclass(frozen=True)
class PatchReader:
    """A network that says something of a patch.

    Args:
        name: what it is called in figures.
        embed: vectors [n, D] of patches [n, 3, p, p].
        wants_cured: whether it was trained on patches after their cures, and not as they are.
        network: what holds the weights.
    """

    name: str
    embed: Callable[[Tensor], Tensor]
    wants_cured: bool
    network: nn.Module


@dataclass(frozen=True)
class Collection:
    """Patches all over some images of a split.

    Args:
        image_ids: the images.
        patches: of each reader, their features, and where they lie.
        tops: rows of pixels where they begin, [N].
        lefts: columns of pixels where they begin, [N].
        grids: rows and columns of the patches of each image.
    """

    image_ids: tuple[str, ...]
    patches: tuple[Patches, ...]
    tops: Tensor
    lefts: Tensor
    grids: tuple[tuple[int, int], ...]


def open_collection(config: DictConfig) -> tuple[Saved, ContextDataModule, PatchReader]:
    """The run, its collection of images, and its network.

    Args:
        config: of `seqlab neighbours` or `seqlab mine`.

    Raises:
        UserError: the run is of another task, whose data has no patches.
    """
    saved = read_checkpoint(Path(config.run), config.checkpoint, list(config.allow))
    parts = reassemble([saved], data_dir=config.paths.data, with_data=True)
    if not isinstance(parts.datamodule, ContextDataModule):
        message = "was trained on data without patches; what reads them is context prediction"
        allowed = catalog.fitting("context_prediction", "model")
        raise UserError([Problem(key="run", given=config.run, message=message, allowed=allowed)])
    if not parts.datamodule.num_images(config.split):
        message = "has no image here"
        raise UserError([Problem(key="split", given=config.split, message=message)])
    return saved, parts.datamodule, reader_of(parts.task.model, "trained")


def reader_of(model: nn.Module, name: str) -> PatchReader:
    """How the network of a run reads a patch: by fc6, or by the summary of its backbone.

    Raises:
        UserError: it has neither.
    """
    if isinstance(model, ContextModel):
        return PatchReader(name, model.embed, True, model)
    backbone = model if isinstance(model, Backbone) else getattr(model, "backbone", None)
    if not isinstance(backbone, Backbone):
        message = f"{type(model).__name__} has no backbone, which could read a patch"
        raise UserError([Problem(key="run", given=name, message=message)])

    def embed(patches: Tensor) -> Tensor:
        return backbone.summary(backbone.pyramid(patches)[-1])

    return PatchReader(name, embed, False, model)


def random_reader(saved: Saved) -> PatchReader:
    """The network of a run before it was trained."""
    return reader_of(untrained(saved).model, "random weights")


def device_of(config: DictConfig) -> torch.device:
    """Where networks run."""
    return torch.device(Fabric(accelerator=config.trainer.accelerator, devices=1).device)


@torch.inference_mode()
def read_patches(
    config: DictConfig,
    datamodule: ContextDataModule,
    readers: Sequence[PatchReader],
    step: int,
    screen: Screen,
) -> Collection:
    """Let networks read patches at equal distances all over the images of a split.

    Args:
        config: which split, how many images at most, and what they are chosen by.
        datamodule: has the images.
        readers: the networks.
        step: pixels from a patch to the next.
        screen: shows how far it is.
    """
    device = device_of(config)
    names = _chosen(datamodule.image_ids(config.split), config.num_images, config.seed)
    for reader in readers:
        reader.network.to(device).eval()
    size = datamodule.grid.patch_size
    features: list[list[Tensor]] = [[] for _ in readers]
    tops, lefts, grids = [], [], []
    with screen.counting("reading images") as tell:
        for done, name in enumerate(names, start=1):
            plain, cured, places = datamodule.windows(datamodule.image(name), step)
            for own, reader in zip(features, readers, strict=True):
                shown = (cured if reader.wants_cured else plain).to(device)
                vectors = torch.cat([reader.embed(part) for part in torch.split(shown, BATCH)])
                own.append(F.normalize(vectors.float(), dim=1).cpu())  # [n, D]
            tops.append(torch.from_numpy(places.tops))
            lefts.append(torch.from_numpy(places.lefts))
            grids.append((places.rows, places.columns))
            tell(done, len(names))
    top, left = torch.cat(tops), torch.cat(lefts)
    counts = torch.tensor([rows * columns for rows, columns in grids])
    images = torch.arange(len(names)).repeat_interleave(counts)
    centres = torch.stack([left, top], dim=1) / size
    patches = tuple(Patches(torch.cat(own), images, centres) for own in features)
    return Collection(names, patches, top, left, tuple(grids))


@torch.inference_mode()
def calibrate(reader: PatchReader, datamodule: ContextDataModule, config: DictConfig) -> None:
    """Give a random network the statistics of batch normalisation that training would give it.

    Without them it is compared by numbers out of all proportion.
    """
    norms = [module for module in reader.network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    names = _chosen(datamodule.image_ids(config.split), config.num_images, config.seed)
    step = datamodule.grid.patch_size
    patches: list[Tensor] = []
    for name in names:
        plain, cured, _ = datamodule.windows(datamodule.image(name), step)
        patches.append(cured if reader.wants_cured else plain)
        if sum(map(len, patches)) >= _CALIBRATING:
            break
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    reader.network.train()
    for part in torch.split(torch.cat(patches), BATCH):
        if len(part) > 1:
            reader.embed(part)
    reader.network.eval()


def cut_patch(datamodule: ContextDataModule, collection: Collection, number: int) -> Tensor:
    """A patch as it is in its image, [3, p, p]."""
    image = datamodule.image(collection.image_ids[int(collection.patches[0].images[number])])
    top, left = int(collection.tops[number]), int(collection.lefts[number])
    size = datamodule.grid.patch_size
    return image[:, top : top + size, left : left + size]


def _chosen(image_ids: Sequence[str], most: int, seed: int) -> tuple[str, ...]:
    """Some of the images, in their order."""
    if len(image_ids) <= most:
        return tuple(image_ids)
    chosen = np.random.default_rng(seed).choice(len(image_ids), most, replace=False)
    return tuple(image_ids[index] for index in sorted(chosen))
