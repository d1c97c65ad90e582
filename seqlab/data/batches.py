"""What the data hands to the tasks."""

from typing import NamedTuple

from torch import Tensor


class CaptionBatch(NamedTuple):
    """Images and captions; an image stands once however many of its captions are in the batch."""

    image_ids: tuple[str, ...]  # I names: file names, or scene numbers
    images: Tensor | None  # [I, 3, height, width] in [0, 1]; None where features are kept
    features: Tensor | None  # [I, D, h, w], half, of a frozen backbone; None where images are given
    image_index: Tensor  # [B], which image a caption describes
    tokens: Tensor  # [B, T + 1], start, words, end, padding
    lengths: Tensor  # [B], words and end
    references: tuple[tuple[str, ...], ...]  # I times all the captions of the image
    objects: Tensor | None  # [B, T + 1], which object of its image a token names, -1 for none
    masks: Tensor | None  # [I, objects, height, width], True on the object's visible pixels


class TranslationBatch(NamedTuple):
    """Sentences and their translations."""

    example_ids: tuple[str, ...]  # B names: split and line, "val:17", counted from 1
    source: Tensor  # [B, S], words, end, padding
    source_lengths: Tensor  # [B], words and end
    tokens: Tensor  # [B, T + 1], start, words, end, padding
    lengths: Tensor  # [B], words and end
    source_texts: tuple[str, ...]  # B lines as they were read
    references: tuple[tuple[str, ...], ...]  # B times all translations, as they were read
