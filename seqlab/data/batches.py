"""What the data hands to the tasks."""

from typing import NamedTuple

from torch import Tensor

VOID = 255  # the label of a pixel that counts neither in a loss nor in a score


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


class QuestionBatch(NamedTuple):
    """Questions, what was told before them, and their answers."""

    example_ids: tuple[str, ...]  # B names: task, split and number, "qa3:val:17", counted from 1
    facts: Tensor  # [B, M, W], words of each fact, padding after them and after the last fact
    num_facts: Tensor  # [B]
    question: Tensor  # [B, Q], words, padding
    keys: Tensor | None  # [B, M, W'], by which a fact is found; None: by all its words
    values: Tensor | None  # [B, M, W''], what is read of it; None: all its words
    supporting: Tensor | None  # [B, F], facts that the answer needs, -1 where there are fewer
    answers: Tensor  # [B], the word to learn
    accepted: Tensor  # [B, R], all words that are right, -1 where there are fewer
    tasks: Tensor  # [B], number in the spec's `tasks`
    fact_texts: tuple[tuple[str, ...], ...]  # B times the facts as they were read
    question_texts: tuple[str, ...]  # B questions as they were read


class AlgorithmicBatch(NamedTuple):
    """Sequences of vectors, and what an algorithm makes of them."""

    example_ids: tuple[str, ...]  # B names: split, epoch and number
    inputs: Tensor  # [B, T, I]
    lengths: Tensor  # [B], steps that are real
    targets: Tensor  # bits [B, T, O] of 0.0 and 1.0, or numbers of symbols [B, T]
    scored: Tensor  # [B, T], True where the output counts
    difficulties: Tensor  # [B], such as the length of what is copied
    optimal_bits: Tensor | None  # [B], of the best possible prediction; None where it is certain


class SegmentationBatch(NamedTuple):
    """Images and the class of each of their pixels."""

    image_ids: tuple[str, ...]  # B names: file names, or scene numbers
    images: Tensor  # [B, 3, height, width] in [0, 1], resized to what the model is to see
    labels: Tensor  # [B, height', width'], classes, VOID where nothing is scored; in evaluation as
    # large as they were annotated, in training as large as the images


class InstanceBatch(NamedTuple):
    """Images and their objects; those beyond an image's own are padding."""

    image_ids: tuple[str, ...]  # B names: file names, or scene numbers
    images: Tensor  # [B, 3, height, width] in [0, 1]
    boxes: Tensor  # [B, N, 4], left, top, right, bottom in pixels
    labels: Tensor  # [B, N], classes from 0, -1 on padding
    masks: Tensor  # [B, N, height, width], True on the object's visible pixels
    crowds: Tensor  # [B, N], True on groups that are not told apart, which are not scored


class ClipBatch(NamedTuple):
    """Clips of videos, and the classes of the videos."""

    example_ids: tuple[str, ...]  # B names of videos
    clips: Tensor  # [B, 3, T, height, width] in [0, 1]
    labels: Tensor  # [B], classes from 0
    videos: Tensor  # [B], number of the video in its split: clips of one are averaged at test
    starts: Tensor  # [B], where a clip begins in its video, in seconds


class VideoCaptionBatch(NamedTuple):
    """Videos and captions; a video stands once however many of its captions are in the batch."""

    example_ids: tuple[str, ...]  # V names of videos
    frames: Tensor  # [V, F, 3, height, width] in [0, 1], padding after a video's last
    frame_counts: Tensor  # [V], frames that are real
    video_index: Tensor  # [B], which video a caption describes
    tokens: Tensor  # [B, T + 1], start, words, end, padding
    lengths: Tensor  # [B], words and end
    references: tuple[tuple[str, ...], ...]  # V times all the captions of the video
    telling: Tensor | None  # [V, F], True where a frame shows what the caption asks for; generated


class ContextBatch(NamedTuple):
    """Patches of images, and pairs of patches of one image."""

    image_ids: tuple[str, ...]  # N names, of the image of each patch
    patches: Tensor  # [N, 3, p, p]
    centres: Tensor  # [N, 2], right and down, from -1 to 1: 0 is the middle of the image
    pairs: Tensor  # [B, 2], numbers of two patches
    positions: Tensor  # [B], where the second lies seen from the first, 0 to 7


class ImageBatch(NamedTuple):
    """Images and what they show."""

    image_ids: tuple[str, ...]  # B names: file names, or photo numbers
    images: Tensor  # [B, 3, height, width] in [0, 1]
    labels: Tensor  # [B, C], 1 what it shows, 0 what it does not, -1 what does not count


class NormalsBatch(NamedTuple):
    """Images and the direction in which the surface at each pixel faces."""

    image_ids: tuple[str, ...]  # B names: file names, or photo numbers
    images: Tensor  # [B, 3, height, width] in [0, 1], resized to what the model is to see
    normals: Tensor  # [B, 3, height', width'], right, down and away from the camera; of length 1,
    # 0 where it is not known; in evaluation as large as they were annotated
