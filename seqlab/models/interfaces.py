"""What each task asks of a model. A model inherits the one of its task and nothing else."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone


class AuxiliaryTerm(NamedTuple):
    """What a paper adds to its loss, per example, on the scale of a sequence's log-likelihood."""

    value: Tensor  # [B], to be minimised
    weight: float  # the paper's coefficient; the task may set another


class TeacherForced(NamedTuple):
    """Predictions under the true previous tokens."""

    logits: Tensor  # [B, T, V], position t scores tokens[:, t + 1]
    weights: Tensor | None  # [B, T, L], attention at each step, where the model attends
    auxiliary: dict[str, AuxiliaryTerm]


class SequenceGenerator(nn.Module, ABC):
    """Emits tokens one by one, given a source.

    State and memory are nested NamedTuples, batch first. The memory is what all steps of an input
    share (projected keys, say); the state is what one step hands to the next, and its field
    `weights` [N, L] holds the attention of the last step, or None.

    Attributes:
        auxiliary_names: the auxiliary terms that `forward` gives in training.
    """

    auxiliary_names: tuple[str, ...] = ()

    @abstractmethod
    def encode(self, source: Any) -> tuple[Any, Any]:
        """State and memory from which decoding starts."""

    @abstractmethod
    def step(self, tokens: Tensor, state: Any, memory: Any) -> tuple[Tensor, Any]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""

    @abstractmethod
    def forward(self, source: Any, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing.

        Args:
            source: what the sequence is about.
            tokens: start, words, end, padding, [B, T + 1].
            lengths: number of predicted tokens (words and end), [B].
        """


class CaptioningModel(SequenceGenerator):
    """Describes an image; the source is a feature map [B, D, h, w] of the model's own backbone.

    Locations are numbered row by row, so attention weights [.., L] unfold to [.., h, w].
    """

    backbone: Backbone


class Sentences(NamedTuple):
    """Sentences as a model reads them."""

    tokens: Tensor  # [B, S], words, end, padding
    lengths: Tensor  # [B], words and end


class TranslationModel(SequenceGenerator):
    """Says a sentence in another language; the source is `Sentences`.

    Attention weights [.., S] are those of the source's tokens in their written order, the end
    included, also where a model reads them in another one.
    """


class Questions(NamedTuple):
    """Questions, and what was told before each: the M slots of a memory, in the order of telling.

    A slot is a fact: a sentence of a story, a triple of a knowledge base or a window of a text.
    """

    facts: Tensor  # [B, M, W], words of each fact, padding after them and after the last fact
    num_facts: Tensor  # [B]
    question: Tensor  # [B, Q], words, padding
    keys: Tensor | None = None  # [B, M, W'], by which a fact is found; None: by all its words
    values: Tensor | None = None  # [B, M, W''], what is read of it; None: all its words


class Answered(NamedTuple):
    """What a model makes of questions."""

    logits: Tensor  # [B, V], which word is the answer
    attention: Tensor | None  # [B, K, M], what each hop reads, where the model reads facts
    auxiliary: dict[str, AuxiliaryTerm]


class QuestionAnswerer(nn.Module, ABC):
    """Answers a question about facts by one word of the vocabulary.

    Attributes:
        auxiliary_names: the auxiliary terms that `forward` gives in training.
    """

    auxiliary_names: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answers.

        Args:
            questions: what is asked, and what is known.
            supporting: which facts the answer needs, in the order of need, [B, F], -1 where there
                are fewer; None where nobody says. Only what training adds to the loss may depend on
                it, never the logits or the attention of an evaluation.
        """

    def begin_epoch(self, epoch: int) -> None:
        """Told before each epoch of training, counted from 0, for what changes in its course.

        Once more where a run begins or goes on, which may be in the middle of an epoch.
        """


class AlgorithmicModel(nn.Module, ABC):
    """Maps a sequence of vectors to a sequence of outputs, step by step."""

    @abstractmethod
    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Unnormalised outputs [B, T, O] of inputs [B, T, I], of which lengths [B] are real.

        An output is a function of the inputs up to its step.
        """

    def trace(self, inputs: Tensor) -> dict[str, Tensor]:
        """What a memory does with one sequence [T, I]: weightings [T, N] and gates [T, 1], by name.

        Empty where the model has no memory to show.
        """
        return {}


class Segmented(NamedTuple):
    """What a model makes of each pixel."""

    logits: Tensor  # [B, C, height, width], as large as the images
    earlier: tuple[Tensor, ...] = ()  # the same of steps before the last, which are trained too


class SegmentationModel(nn.Module, ABC):
    """Says of each pixel of an image to which class it belongs.

    Where it has a `backbone`, that may be trained with a rate of its own.
    """

    @abstractmethod
    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""


class Instances(NamedTuple):
    """Objects of images, the same number N for each; those beyond an image's own are padding."""

    boxes: Tensor  # [B, N, 4], left, top, right, bottom in pixels
    labels: Tensor  # [B, N], classes from 0, -1 on padding
    masks: Tensor  # [B, N, height, width], True on the object's visible pixels


class Detections(NamedTuple):
    """What a model found, best first; padded to the same number N."""

    boxes: Tensor  # [B, N, 4], left, top, right, bottom in pixels
    labels: Tensor  # [B, N], classes from 0, -1 on padding
    scores: Tensor  # [B, N], 0 to 1
    masks: Tensor  # [B, N, height, width], True on the object


class InstanceModel(nn.Module, ABC):
    """Finds the objects of an image and the pixels of each.

    Attributes:
        auxiliary_names: the losses that `forward` gives.
    """

    auxiliary_names: tuple[str, ...] = ()

    @abstractmethod
    def forward(self, images: Tensor, truth: Instances) -> dict[str, AuxiliaryTerm]:
        """The losses of images [B, 3, height, width] in [0, 1] by name, each with its weight."""

    @abstractmethod
    def detect(self, images: Tensor) -> Detections:
        """Objects of images [B, 3, height, width] with values in [0, 1]."""


class VideoClassifier(nn.Module, ABC):
    """Says to which class a clip of a video belongs.

    Layers whose activations are worth reading (conv1a, fc6) are modules of the model by these
    names.
    """

    @abstractmethod
    def forward(self, clips: Tensor) -> Tensor:
        """Unnormalised scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""


class Footage(NamedTuple):
    """Frames of videos, evenly spaced in time."""

    frames: Tensor  # [B, F, 3, height, width] in [0, 1], padding after a video's last
    lengths: Tensor  # [B], frames that are real


class Watched(NamedTuple):
    """What a model saw in videos: a vector of each frame."""

    vectors: Tensor  # [B, F, D], 0 after a video's last frame
    lengths: Tensor  # [B], frames that are real


class VideoCaptioningModel(SequenceGenerator):
    """Describes a video in a sentence; the source is what it has `Watched`.

    Videos are watched before they are described, once for all captions of a video. Attention
    weights [.., F] are those of the frames, in order of time.
    """

    @abstractmethod
    def watch(self, footage: Footage) -> Watched:
        """What `encode` and `forward` are to describe."""


class ContextModel(nn.Module, ABC):
    """Says where in an image a patch lies, seen from another patch of it.

    Attributes:
        backbone: reads one patch; what other tasks start from.
    """

    backbone: Backbone

    @abstractmethod
    def embed(self, patches: Tensor) -> Tensor:
        """What is known of each patch before it meets another, fc6: [N, D] of [N, 3, p, p]."""

    @abstractmethod
    def forward(self, patches: Tensor, pairs: Tensor) -> Tensor:
        """Unnormalised scores [B, 8] of where the second of each pair lies.

        Args:
            patches: [N, 3, p, p] with values in [0, 1] or normalised; each is read once.
            pairs: numbers of two patches, [B, 2].
        """


class PatchLocator(nn.Module, ABC):
    """Says where in its image a patch lies, from nothing but the patch.

    Attributes:
        backbone: reads the patch.
    """

    backbone: Backbone

    @abstractmethod
    def forward(self, patches: Tensor) -> Tensor:
        """Centres [N, 2], right and down, of patches [N, 3, p, p].

        From -1 to 1: 0 is the middle of the image, 1 its right or lower border.
        """


class ImageClassifier(nn.Module, ABC):
    """Says what an image shows.

    Attributes:
        backbone: reads the image.
    """

    backbone: Backbone

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Unnormalised scores [B, C] of images [B, 3, height, width] with values in [0, 1]."""
