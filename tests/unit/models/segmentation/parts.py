"""Small models of segmentation that the tests put together."""

from typing import Any

import torch

from seqlab.components.backbones.small_pyramid import SmallPyramid
from seqlab.models.interfaces import SegmentationModel
from seqlab.models.segmentation.deconvnet import DeconvNet
from seqlab.models.segmentation.fcn import FCN
from seqlab.models.segmentation.hypercolumns import Hypercolumns
from seqlab.models.segmentation.multiscale import MultiScale
from seqlab.models.segmentation.patch_classifier import PatchClassifier
from seqlab.models.segmentation.recurrent_cnn import RecurrentCNN
from seqlab.models.segmentation.segnet import SegNet

NUM_CLASSES = 4

_PLAIN_HEAD = {"head_channels": None, "head_kernel": None, "dropout": 0.0}
_FCN = {**_PLAIN_HEAD, "stride": 2, "learned_upsampling": "none", "weights": None}
_MIRRORED = {"widths": [3, 5, 6], "depths": [1, 2, 1], "weights": None}
_DECONVNET = {**_MIRRORED, "head_channels": 7, "head_kernel": 2, "dropout": 0.0}
_PATCH = {"widths": [3, 5], "kernel_size": 3, "window": 2, "hidden_dim": 6, "dropout": 0.0}

MODELS: dict[str, tuple[type[SegmentationModel], dict[str, Any]]] = {
    "fcn": (FCN, _FCN),
    "fcn_without_skips": (FCN, {**_FCN, "stride": 8}),
    "fcn_learned": (FCN, {**_FCN, "learned_upsampling": "all"}),
    "fcn_head": (FCN, {**_FCN, "head_channels": 7, "head_kernel": 3}),
    "deconvnet": (DeconvNet, _DECONVNET),
    "segnet": (SegNet, _MIRRORED),
    "multiscale": (MultiScale, {"num_scales": 3, "hidden_dim": 6, "dropout": 0.0}),
    "recurrent_cnn": (RecurrentCNN, {"widths": [4, 6], "kernel_size": 3, "num_instances": 3}),
    "hypercolumns": (Hypercolumns, {"stride": 2, "column_channels": 3, "grid_size": 1}),
    "hypercolumns_grid": (Hypercolumns, {"stride": 2, "column_channels": 3, "grid_size": 3}),
    "patch_classifier": (PatchClassifier, {**_PATCH, "stride": 1, "training_stride": 2}),
}


def build(name: str, **changes: Any) -> Any:
    """A model in double precision, every parameter of it away from 0."""
    torch.manual_seed(0)
    model_type, settings = MODELS[name]
    arguments = {**settings, **changes}
    if model_type in (FCN, MultiScale, Hypercolumns):
        arguments.setdefault("backbone", SmallPyramid(widths=[3, 5, 6]))
    if model_type is MultiScale:
        arguments.setdefault("superpixels", False)
    if model_type is Hypercolumns:
        arguments.setdefault("dropout", 0.0)
    model = model_type(num_classes=NUM_CLASSES, **arguments).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model
