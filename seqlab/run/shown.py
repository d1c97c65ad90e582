"""What a network is shown whose layers are read: clips of videos, or images."""

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig
from torch import nn

from seqlab.config import catalog
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.data.clip_cutting import SpreadClips
from seqlab.data.clips import ClipDataModule
from seqlab.data.image_labels import ImageDataModule, SplitImages
from seqlab.data.spec import ImageSpec, Spec
from seqlab.models.activations import LayerReader
from seqlab.models.interfaces import (
    ContextModel,
    ImageClassifier,
    PatchLocator,
    SegmentationModel,
)
from seqlab.run.assemble import Parts, Saved, reassemble

DataModule = ClipDataModule | ImageDataModule
Shown = SpreadClips | SplitImages

_BACKBONE = "backbone"


def shown_parts(config: DictConfig, saved: Saved) -> Parts:
    """The network of a run, and the data that it is shown: the run's own, or another set.

    Raises:
        UserError: the data has neither clips nor images, or they do not fit the network.
    """
    own = config.data is None
    parts = reassemble([saved], data_dir=config.paths.data, with_data=own)
    if not own:
        datamodule = build(config.data, allow=config.allow)
        parts = Parts(datamodule, parts.task, parts.spec)
    if not isinstance(parts.datamodule, DataModule):
        message = "has neither clips nor classified images, of which features are read"
        given = str(config.choices.get("data", saved.config.choices.get("data", "the run's data")))
        tasks = ("video_classification", "image_classification")
        allowed = tuple(name for task in tasks for name in catalog.fitting(task, "data"))
        raise UserError([Problem(key="data", given=given, message=message, allowed=allowed)])
    if not own:
        parts.datamodule.setup("fit")
        if isinstance(parts.datamodule, ClipDataModule):
            _refuse_sizes(saved.spec, parts.datamodule.spec)
    return parts


def _refuse_sizes(saved: Spec, found: Spec) -> None:
    """Clips have to be as large as those that the network was trained on."""
    names = ("num_frames", "height", "width")
    was, now = ([getattr(spec, name, None) for name in names] for spec in (saved, found))
    if was != now:
        message = (
            "gives clips of other sizes than the network was trained on; data.num_frames and "
            "data.crop_size, or data.source, change them"
        )
        given, allowed = (" x ".join(map(str, sizes)) for sizes in (now, was))
        problem = Problem(key="data", given=given, message=message, allowed=(allowed,))
        raise UserError([problem])


def things_of(datamodule: DataModule) -> str:
    """What is shown, in a word."""
    return "clips" if isinstance(datamodule, ClipDataModule) else "images"


def everything(datamodule: DataModule, split: str, config: DictConfig) -> Shown:
    """All clips or images of a split, in order.

    Raises:
        UserError: clips overlap as a whole.
    """
    if isinstance(datamodule, ImageDataModule):
        return datamodule.all_images(split)
    try:
        return datamodule.all_clips(split, config.overlap)
    except ValueError as error:
        message = f"leaves no step between clips of {datamodule.spec.num_frames} frames: {error}"
        allowed = (f"0 to {datamodule.spec.num_frames - 1}", "null")
        raise UserError(
            [Problem(key="overlap", given=str(config.overlap), message=message, allowed=allowed)]
        ) from error


def layer_reader(model: nn.Module, parts: Parts, config: DictConfig) -> LayerReader:
    """What reads a layer of a network.

    Args:
        model: the network, where it computes.
        parts: what it is shown, and what it was trained on.
        config: of `seqlab features`.

    Raises:
        UserError: there is no such layer, or it cannot be read on what is shown.
    """
    layer = config.layer
    run = None if isinstance(parts.datamodule, ClipDataModule) else _way(model, parts, layer)
    try:
        return LayerReader(model, layer, maps=config.maps, run=run)
    except KeyError:
        names = [name for name, _ in model.named_modules() if name]
        top = tuple(name for name in names if "." not in name)
        near, message = nearest(layer, names), "the network has no such module"
        problem = Problem(key="layer", given=layer, message=message, allowed=top, nearest=near)
        raise UserError([problem]) from None


def _way(model: nn.Module, parts: Parts, layer: str) -> Callable[..., Any]:
    """What of a network is run on images so that a layer gives what it says of them.

    The backbone takes images of any size, whatever the network itself was trained on.
    """
    backbone = getattr(model, _BACKBONE, None)
    if backbone is not None and layer.partition(".")[0] == _BACKBONE:
        return backbone  # type: ignore[no-any-return]
    if isinstance(model, ContextModel):
        _refuse_other_patches(parts)
        return model.embed
    if isinstance(model, ImageClassifier | PatchLocator | SegmentationModel):
        return model
    message = f"is not read on images by a {type(model).__name__}: only what is in its backbone is"
    allowed = () if backbone is None else (_BACKBONE,)
    raise UserError([Problem(key="layer", given=layer, message=message, allowed=allowed)])


def _refuse_other_patches(parts: Parts) -> None:
    """What is said of a patch behind the backbone is of patches of one size."""
    spec: ImageSpec = parts.datamodule.spec
    size = getattr(parts.spec, "patch_size", spec.height)
    if (spec.height, spec.width) != (size, size):
        message = (
            f"gives images of {spec.height} x {spec.width} pixels, where this layer reads patches "
            f"of {size}: data.image_size={size}, or a layer of the backbone"
        )
        raise UserError([Problem(key="data.image_size", given=str(spec.height), message=message)])
