"""What a data set says of itself: frozen, and to JSON and back, since a checkpoint carries it."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Spec:
    """Base of the specs; each says what a model and a task need to know of the data."""

    def to_json(self) -> str:
        """The spec as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The spec that `to_json` wrote; lists become tuples again."""
        values: dict[str, Any] = json.loads(text)
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            raise ValueError(
                f"a {cls.__name__} has the fields {sorted(known)}, the text has {sorted(values)}"
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class TextSpec(Spec):
    """Base of the specs of data that a model writes; the numbers of the tokens that are no word."""

    pad_id: ClassVar[int] = 0
    start_id: ClassVar[int] = 1
    end_id: ClassVar[int] = 2
    unknown_id: ClassVar[int] = 3


@dataclass(frozen=True)
class CaptionSpec(TextSpec):
    """Captions of images.

    Args:
        words: the vocabulary; the first four are padding, start, end and unknown.
        image_height: height of an image in pixels.
        image_width: width of an image in pixels.
        max_length: words and end of the longest training caption.
        split_hash: hash of the lists of examples of each split.
    """

    words: tuple[str, ...]
    image_height: int
    image_width: int
    max_length: int
    split_hash: str


@dataclass(frozen=True)
class TranslationSpec(TextSpec):
    """Sentences in two languages.

    Args:
        source_language: code of the language that is read, such as en.
        target_language: code of the language that is written.
        source_text: how a source line becomes tokens and back, as JSON; see
            `seqlab.data.text_coding.TextCoding`.
        target_text: the same of the target.
        max_length: tokens and end of the longest training target.
        split_hash: hash of the lists of examples of each split.
    """

    source_language: str
    target_language: str
    source_text: str
    target_text: str
    max_length: int
    split_hash: str


@dataclass(frozen=True)
class QuestionSpec(Spec):
    """Questions about facts, answered by one word.

    Args:
        words: the vocabulary; the first two are padding and unknown. An answer of several words
            (`apple,milk`) is a word of its own.
        tasks: names of the kinds of questions, by which results are reported.
        slots: what of a fact a memory holds, as JSON; see `seqlab.data.fact_slots.FactSlots`.
        answers: numbers of the words that answer a question of the training split.
        max_facts: most slots before a training question.
        max_words: words of the longest slot of the training split.
        split_hash: hash of the lists of examples of each split.
    """

    words: tuple[str, ...]
    tasks: tuple[str, ...]
    slots: str
    answers: tuple[int, ...]
    max_facts: int
    max_words: int
    split_hash: str

    pad_id: ClassVar[int] = 0
    unknown_id: ClassVar[int] = 1


@dataclass(frozen=True)
class AlgorithmicSpec(Spec):
    """Sequences made by an algorithm.

    Args:
        algorithm: its name, such as `copy`.
        input_dim: size I of an input.
        output_dim: size O of an output: bits, or symbols of which one is right.
        outputs: `bits` or `symbols`.
        num_steps: steps of every sequence; 0 where sequences differ.
        split_hash: hash of the settings that the evaluated examples are a function of.
    """

    algorithm: str
    input_dim: int
    output_dim: int
    outputs: str
    num_steps: int
    split_hash: str


@dataclass(frozen=True)
class SegmentationSpec(Spec):
    """Images with a class for each pixel.

    Args:
        classes: names of the classes, in the order of their numbers.
        palette: colour of each class in figures and label images, such as `#804000`.
        class_weights: median frequency over each class's own, in the training split (Eigen and
            Fergus, 2015, section 6.3.2): of one value for each class.
        split_hash: hash of the lists of examples of each split.
    """

    classes: tuple[str, ...]
    palette: tuple[str, ...]
    class_weights: tuple[float, ...]
    split_hash: str


@dataclass(frozen=True)
class InstanceSpec(Spec):
    """Images with objects.

    Args:
        classes: names of the classes, in the order of their numbers.
        split_hash: hash of the lists of examples of each split.
    """

    classes: tuple[str, ...]
    split_hash: str


@dataclass(frozen=True)
class ClipSpec(Spec):
    """Clips of videos, each video of one class.

    Args:
        classes: their names, in the order of the numbers.
        num_frames: of a clip.
        frame_rate: of a clip, in frames a second, however fast its video was recorded.
        height: of a clip in pixels.
        width: of a clip in pixels.
        split_hash: hash of the lists of videos of each split.
    """

    classes: tuple[str, ...]
    num_frames: int
    frame_rate: float
    height: int
    width: int
    split_hash: str


@dataclass(frozen=True)
class VideoCaptionSpec(TextSpec):
    """Captions of videos.

    Args:
        words: the vocabulary; the first four are padding, start, end and unknown.
        max_frames: most frames that are taken of a video.
        height: of a frame in pixels.
        width: of a frame in pixels.
        max_length: words and end of the longest training caption.
        split_hash: hash of the lists of examples of each split.
    """

    words: tuple[str, ...]
    max_frames: int
    height: int
    width: int
    max_length: int
    split_hash: str


@dataclass(frozen=True)
class ContextSpec(Spec):
    """Patches of images.

    Args:
        patch_size: height and width of a patch in pixels.
        split_hash: hash of the lists of images of each split.
    """

    patch_size: int
    split_hash: str


@dataclass(frozen=True)
class ImageSpec(Spec):
    """Images and what they show.

    Args:
        classes: their names, in the order of the numbers.
        is_multi_label: whether an image may show several classes, or none.
        height: of an image in pixels.
        width: of an image in pixels.
        split_hash: hash of the lists of examples of each split.
    """

    classes: tuple[str, ...]
    is_multi_label: bool
    height: int
    width: int
    split_hash: str


@dataclass(frozen=True)
class NormalsSpec(Spec):
    """Images with the direction of each visible surface.

    Args:
        mean_normal: direction of length 1, right, down and away from the camera: the mean of what
            is known of training images.
        split_hash: hash of the lists of examples of each split.
    """

    mean_normal: tuple[float, float, float]
    split_hash: str
