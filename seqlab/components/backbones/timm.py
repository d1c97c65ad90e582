"""Image backbones of the timm library, behind one class."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import Tensor, nn

from seqlab.components.backbones.fingerprint import fingerprint
from seqlab.components.backbones.interface import Backbone
from seqlab.components.backbones.weights import (
    WeightsError,
    both_ways,
    load_strictly,
    quick_when_offline,
    read_state_dict,
)


class TimmBackbone(Backbone):
    """Any image model of timm, cut behind one of its stages.

    What is not trained runs as in evaluation even in training: batch normalisation keeps its
    statistics, nothing is dropped, and no gradient is computed.

    Args:
        name: a name of timm, as in `timm.list_models()`; `.tag` chooses among pretrained weights.
        weights: `hub` for timm's pretrained weights, a path to a .safetensors or .pth file with
            a timm state dict, or None for random ones.
        out_index: the stage whose output is the feature map, counted as in timm's `feature_info`,
            negative from the end; None for the output of `forward_features`, that is, all but
            the classifier.
        train: `none`, `last` for the last `num_trained_stages` stages, or `all`.
        num_trained_stages: how many stages `last` means.
        mean: per colour channel, what the weights expect to be subtracted from values in [0, 1];
            None for what timm says of this name.
        std: per colour channel, what they expect to be divided by; None as above.
        options: further arguments of timm's builder, such as `pad_type`.

    Raises:
        WeightsError: if the weights cannot be had or do not fit.
        ValueError: if there is no such name, stage or setting.
    """

    def __init__(
        self,
        *,
        name: str,
        weights: str | None,
        out_index: int | None,
        train: Literal["none", "last", "all"],
        num_trained_stages: int,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.name = name
        self.options = dict(options)
        model = _create(name, pretrained=weights == "hub", options=self.options)
        stages = _stages(model)
        if out_index is not None and not -len(stages) <= out_index < len(stages):
            raise ValueError(
                f"{name} has the stages 0 to {len(stages) - 1}, out_index is {out_index}"
            )
        self.out_index = None if out_index is None else out_index % len(stages)
        last = len(stages) - 1 if self.out_index is None else self.out_index
        config = model.pretrained_cfg
        self.mean, self.std = _triple(mean or config["mean"]), _triple(std or config["std"])

        all_names = set(model.state_dict())
        if self.out_index is None:
            model.reset_classifier(0)
        else:
            model.prune_intermediate_layers([last], prune_norm=True, prune_head=True)
        if weights is not None and weights != "hub":
            path = Path(weights).expanduser()
            state_dict = read_state_dict(path, both_ways(name))
            ignored = all_names - set(model.state_dict())
            load_strictly(model, state_dict, ignored=ignored, source=str(path))

        self.channels = model.num_features if self.out_index is None else stages[last]["num_chs"]
        self.stride = stages[last]["reduction"]
        self._levels = _levels(stages[: last + 1])
        self._level_channels = (*(stages[i]["num_chs"] for i in self._levels[:-1]), self.channels)
        self._level_strides = tuple(stages[i]["reduction"] for i in self._levels)
        self.frozen = train == "none"
        self.model = model.to(memory_format=torch.channels_last)
        self.register_buffer("_mean", torch.tensor(self.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(self.std).view(1, 3, 1, 1), persistent=False)
        modules = [stage["module"] for stage in stages[: last + 1]]
        self._trained = _trained_modules(model, modules, train, num_trained_stages)
        for parameter_name, parameter in model.named_parameters():
            parameter.requires_grad_(parameter_name.rpartition(".")[0] in self._trained)
        self.train()

    @property
    def pyramid_channels(self) -> tuple[int, ...]:
        """As in timm's `feature_info`, the last that of the feature map."""
        return self._level_channels

    @property
    def pyramid_strides(self) -> tuple[int, ...]:
        """As in timm's `feature_info`; of the stages of one stride the last one counts."""
        return self._level_strides

    def train(self, mode: bool = True) -> "TimmBackbone":
        """Training mode for what is trained; the rest stays in evaluation mode."""
        super().train(mode)
        for name, module in self.model.named_modules():
            module.training = mode and name in self._trained
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D, h, w] of images [B, 3, height, width] with values in [0, 1].

        Raises:
            ValueError: if the model's own output is no such map, as of a transformer with
                out_index None.
        """
        with torch.set_grad_enabled(self._needs_gradients(images)):
            images = self._normalised(images)  # [B, 3, height, width]
            if self.out_index is None:
                features = self.model.forward_features(images)  # [B, D, h, w]
            else:
                (features,) = self._intermediates(images, [self.out_index])  # [B, D, h, w]
        self._refuse_no_map(features)
        return features

    def stages(self, images: Tensor) -> list[Tensor]:
        """The last map [B, D_i, h_i, w_i] of each stride.

        Raises:
            ValueError: as `forward` does.
        """
        with torch.set_grad_enabled(self._needs_gradients(images)):
            images = self._normalised(images)  # [B, 3, height, width]
            if self.out_index is None:
                final, maps = self.model.forward_intermediates(
                    images, indices=self._levels, output_fmt="NCHW"
                )  # [B, D, h, w], each [B, D_i, h_i, w_i]
                maps = [*maps[:-1], final]
            else:
                maps = self._intermediates(images, self._levels)  # each [B, D_i, h_i, w_i]
        self._refuse_no_map(maps[-1])
        return maps

    def _needs_gradients(self, images: Tensor) -> bool:
        """Whether anybody asks for them: what is trained here, or who looks at the pixels."""
        return torch.is_grad_enabled() and (not self.frozen or images.requires_grad)

    def _normalised(self, images: Tensor) -> Tensor:
        """Images [B, 3, height, width] as the weights expect them."""
        images = (images - self._mean) / self._std  # [B, 3, height, width]
        return images.contiguous(memory_format=torch.channels_last)

    def _intermediates(self, images: Tensor, indices: list[int]) -> list[Tensor]:
        """Maps [B, D_i, h_i, w_i] of stages, the last of which is the last that runs."""
        maps: list[Tensor] = self.model.forward_intermediates(
            images, indices=indices, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        return maps

    def _refuse_no_map(self, features: Tensor) -> None:
        if features.ndim != 4 or features.shape[1] != self.channels:
            raise ValueError(
                f"{self.name} gives {list(features.shape)}, no feature map [B, {self.channels}, "
                "h, w]: set out_index to one of its stages"
            )

    def fingerprint(self) -> str:
        """Hash of name, options, stage, normalisation and weights."""
        description = {
            "name": self.name,
            "options": self.options,
            "out_index": self.out_index,
            "mean": self.mean,
            "std": self.std,
        }
        return fingerprint(self.model, description)


def _create(name: str, *, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    """The whole model, classifier included, as its weights know it."""
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        hint = f"; near are {', '.join(near)}" if near else ""
        raise ValueError(f"timm has no model {name}{hint}")
    if not pretrained:
        return timm.create_model(name, pretrained=False, **options)
    try:
        with quick_when_offline():
            return timm.create_model(name, pretrained=True, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"the weights of {name} cannot be had from timm's hub ({error}): {both_ways(name)}"
        ) from error


def _stages(model: nn.Module) -> list[dict[str, Any]]:
    info = model.feature_info
    return list(info) if isinstance(info, list) else info.get_dicts()


def _levels(stages: list[dict[str, Any]]) -> list[int]:
    """Indices of the stages behind which the stride rises, and of the last."""
    last_of = {stage["reduction"]: index for index, stage in enumerate(stages)}
    return sorted(last_of.values())


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _trained_modules(
    model: nn.Module, stages: list[str], train: str, num_trained_stages: int
) -> set[str]:
    """Names of the modules that are trained.

    timm registers modules in the order in which they run, so what lies behind the last module of
    the last fixed stage is trained. A container comes before all that it contains, so that its own
    parameters (a class token, say) are trained only where the whole of it is.
    """
    names = [name for name, _ in model.named_modules()]
    if train == "none":
        return set()
    if train == "all":
        return set(names)
    if train != "last":
        raise ValueError(f"train is none, last or all, not {train}")
    if not 1 <= num_trained_stages <= len(stages):
        raise ValueError(
            f"num_trained_stages is from 1 to {len(stages)} here, not {num_trained_stages}"
        )
    if num_trained_stages == len(stages):
        return set(names)
    fixed = stages[-num_trained_stages - 1]
    boundary = max(
        index for index, name in enumerate(names) if name == fixed or name.startswith(f"{fixed}.")
    )
    return set(names[boundary + 1 :])
