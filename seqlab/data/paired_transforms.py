"""Image and annotation brought to a size together; chance only where it is handed in."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from seqlab.data.batches import VOID
from seqlab.data.label_maps import Pair

Size = tuple[int, int]  # height and width in pixels

_GREY = 128  # of what lies beside a picture
# The nearest pixel by centres, as the picture is resized: torchvision's own way with masks goes by
# corners, and would shift labels against their picture by up to half a pixel.
_NEAREST = v2.InterpolationMode.NEAREST_EXACT


class PairedAugmentation:
    """How training pictures and their labels are changed by chance.

    Args:
        scale: least and greatest factor by which a picture is resized.
        crop: whether the part that is cut out lies anywhere; else in the middle.
        flip: whether half of the pictures are mirrored left and right.
        brightness: factor within 1 - b and 1 + b; 0 for none, as with the next two.
        contrast: of the same kind.
        saturation: of the same kind.
        hue: share of the colour circle by which colours turn at most, up to 0.5.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        *,
        scale: tuple[float, float],
        crop: bool,
        flip: bool,
        brightness: float,
        contrast: float,
        saturation: float,
        hue: float,
    ) -> None:
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f"scale goes from above 0 up, {list(scale)} was given")
        strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        for name, strength in strengths.items():
            if not 0 <= strength <= 1:
                raise ValueError(f"{name} is from 0 to 1, {strength} was given")
        if not 0 <= hue <= 0.5:
            raise ValueError(f"hue is from 0 to 0.5, {hue} was given")
        self.scale, self.crop, self.flip = scale, crop, flip
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation
        self.hue = hue

    def draw_scale(self, generator: np.random.Generator) -> float:
        """A factor; its logarithm is uniform, so that twice is as likely as half."""
        low, high = self.scale
        return float(np.exp(generator.uniform(np.log(low), np.log(high)))) if low < high else low

    def recolour(self, image: Tensor, generator: np.random.Generator) -> Tensor:
        """Colours of a picture in [0, 1] changed, the light first and the hue last."""
        adjustments = (
            (self.brightness, v2.functional.adjust_brightness),
            (self.contrast, v2.functional.adjust_contrast),
            (self.saturation, v2.functional.adjust_saturation),
        )
        for strength, adjust in adjustments:
            if strength:
                image = adjust(image, float(generator.uniform(1 - strength, 1 + strength)))
        if self.hue:
            turn = float(generator.uniform(-self.hue, self.hue))
            image = v2.functional.adjust_hue(image, turn)
        return image


def fitted_size(size: Size, image_size: Size | None) -> Size:
    """The largest size of a picture's aspect within `image_size`; its own where that is None."""
    if image_size is None:
        return size
    factor = min(image_size[0] / size[0], image_size[1] / size[1])
    return _scaled(size, factor)


def fit(image: Tensor, image_size: Size | None) -> Tensor:
    """Picture of bytes [3, height, width] as evaluation sees it: in [0, 1], its aspect kept."""
    return _to_unit(_resize(image, fitted_size(_size(image), image_size)))


def training_pair(
    pair: Pair,
    image_size: Size | None,
    crop_size: Size | None,
    augmentation: PairedAugmentation | None,
    generator: np.random.Generator,
) -> Pair:
    """Picture in [0, 1] and its labels as training sees them, of one size.

    What `crop_size` has beyond the picture is grey and void.

    Args:
        pair: bytes as they were read.
        image_size: within which pictures are resized before chance scales them; None for not.
        crop_size: height and width that are cut out; None for all of the resized picture.
        augmentation: what chance does; None for nothing.
        generator: the chance.
    """
    view = View.draw(_size(pair.image), image_size, crop_size, augmentation, generator)
    labels = view.annotation(pair.labels.unsqueeze(0), VOID).squeeze(0)
    return Pair(view.picture(pair.image, augmentation, generator), labels)


@dataclass(frozen=True)
class _Span:
    """One side of a cut: pixels of the source, as many as they become, and what lies around."""

    start: int  # first pixel of the source
    stop: int  # after the last one
    length: int  # of the seen part, when it is resized
    before: int  # padding
    after: int

    @classmethod
    def draw(
        cls, own: int, scaled: int, wanted: int, generator: np.random.Generator | None
    ) -> "_Span":
        """Where `wanted` pixels are cut from `own` that are resized to `scaled`."""
        room = scaled - wanted  # negative where there must be padding
        first = room // 2
        if generator is not None:
            first = int(generator.integers(min(0, room), max(0, room) + 1))
        low, high = max(0, first), min(scaled, first + wanted)
        start = min(own - 1, round(low * own / scaled))
        stop = max(start + 1, round(high * own / scaled))
        return cls(start, stop, high - low, low - first, first + wanted - high)


@dataclass(frozen=True)
class View:
    """The part of a picture that training sees, and whether as in a mirror."""

    rows: _Span
    columns: _Span
    is_mirrored: bool

    @classmethod
    def draw(
        cls,
        size: Size,
        image_size: Size | None,
        crop_size: Size | None,
        augmentation: PairedAugmentation | None,
        generator: np.random.Generator,
    ) -> "View":
        """A view of a picture of some size; the other arguments are those of `training_pair`."""
        fitted = fitted_size(size, image_size)
        scaled = _scaled(fitted, augmentation.draw_scale(generator)) if augmentation else fitted
        chance = generator if augmentation and augmentation.crop else None
        rows, columns = (
            _Span.draw(size[side], scaled[side], (crop_size or fitted)[side], chance)
            for side in range(2)
        )
        is_mirrored = augmentation is not None and augmentation.flip and generator.random() < 0.5
        return cls(rows, columns, is_mirrored)

    def picture(
        self,
        image: Tensor,
        augmentation: PairedAugmentation | None,
        generator: np.random.Generator,
    ) -> Tensor:
        """What is seen of a picture of bytes [3, height, width], in [0, 1]; grey beside it."""
        seen = _to_unit(self._turned(_cut(image, [self.rows, self.columns], _GREY)))
        return augmentation.recolour(seen, generator) if augmentation else seen

    def annotation(self, annotation: Tensor, fill: int) -> Tensor:
        """What is seen of numbers [C, height, width] that belong to pixels; `fill` beside them.

        A pixel gets the numbers of the nearest one.
        """
        return self._turned(_cut(annotation, [self.rows, self.columns], fill, _NEAREST))

    def _turned(self, picture: Tensor) -> Tensor:
        return picture.flip(-1) if self.is_mirrored else picture


def _cut(
    picture: Tensor,
    spans: list[_Span],
    fill: int,
    interpolation: v2.InterpolationMode = v2.InterpolationMode.BILINEAR,
) -> Tensor:
    """Part of a picture [C, height, width], resized and padded."""
    rows, columns = spans
    seen = picture[:, rows.start : rows.stop, columns.start : columns.stop]
    resized = _resize(seen, (rows.length, columns.length), interpolation)
    padding = [columns.before, rows.before, columns.after, rows.after]
    return v2.functional.pad(resized, padding, fill=fill) if any(padding) else resized


def _resize(
    picture: Tensor,
    size: Size,
    interpolation: v2.InterpolationMode = v2.InterpolationMode.BILINEAR,
) -> Tensor:
    return v2.functional.resize(picture, list(size), interpolation=interpolation, antialias=True)


def _size(picture: Tensor) -> Size:
    height, width = picture.shape[-2:]
    return height, width


def _scaled(size: Size, factor: float) -> Size:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _to_unit(image: Tensor) -> Tensor:
    return v2.functional.to_dtype(image, torch.float32, scale=True)
