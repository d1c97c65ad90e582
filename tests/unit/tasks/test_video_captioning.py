"""The objective of video captioning, worked by hand, and which frames are asked about."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.decoding.beam import Beam
from seqlab.components.decoding.greedy import Greedy
from seqlab.components.decoding.interface import Search
from seqlab.config.errors import UserError
from seqlab.data.batches import VideoCaptionBatch
from seqlab.data.spec import VideoCaptionSpec
from seqlab.models.interfaces import Footage, TeacherForced, VideoCaptioningModel, Watched
from seqlab.tasks.base import Schedule
from seqlab.tasks.video_captioning import VideoCaptioningTask
from tests.unit.models.video_captioning.parts import build

SPEC = VideoCaptionSpec(
    words=("<pad>", "<start>", "<end>", "<unknown>", "red", "disc", "turns"),
    max_frames=3,
    height=4,
    width=4,
    max_length=3,
    split_hash="",
)


class Parrot(VideoCaptioningModel):
    """Always "red disc"; what it says in forcing is as sure as the video is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(1.0))
        self.watched = 0

    def watch(self, footage: Footage) -> Watched:
        self.watched += 1
        return Watched(footage.frames.mean(dim=(3, 4)), footage.lengths)

    def encode(self, source: Watched) -> tuple[Any, None]:
        return (torch.zeros(len(source.vectors), 1),), None

    def step(self, tokens: Tensor, state: Any, memory: None) -> tuple[Tensor, Any]:
        following = {SPEC.start_id: 4, 4: 5, 5: SPEC.end_id}
        scores = torch.full((len(tokens), len(SPEC.words)), -1e9)
        for row, token in enumerate(tokens.tolist()):
            scores[row, following.get(token, SPEC.end_id)] = 0.0
        return scores.log_softmax(dim=1), state

    def forward(self, source: Watched, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        bright = source.vectors.sum(dim=(1, 2)) / source.lengths / 3  # [B]
        targets = tokens[:, 1:]
        logits = torch.zeros(*targets.shape, len(SPEC.words))
        logits = logits.scatter(2, targets.unsqueeze(2), 1.0) * bright.view(-1, 1, 1)
        return TeacherForced(logits * self.logit, None, {})


def batch() -> VideoCaptionBatch:
    """Two videos, one of brightness 1 with two captions, one of 0 with one."""
    frames = torch.zeros(2, 3, 3, 4, 4)
    frames[0] = 1.0
    return VideoCaptionBatch(
        example_ids=("a", "b"),
        frames=frames,
        frame_counts=torch.tensor([3, 2]),
        video_index=torch.tensor([0, 0, 1]),
        tokens=torch.tensor([[1, 4, 5, 2], [1, 5, 2, 0], [1, 6, 2, 0]]),
        lengths=torch.tensor([3, 2, 2]),
        references=(("red disc", "disc"), ("turns",)),
        telling=None,
    )


def task(
    model: VideoCaptioningModel | None = None, search: Search | None = None
) -> VideoCaptioningTask:
    return VideoCaptioningTask(
        model=model or Parrot(),
        spec=SPEC,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        schedule=Schedule(),
        decoding=search or Greedy(max_length=5),
        auxiliary_weights={},
        num_figures=0,
    )


def test_each_caption_is_taught_with_its_own_video() -> None:
    module = task()
    outcome = module.train_batch(batch())
    # Five tokens of the bright video: -log(e / (e + 6)); two of the dark one: -log(1 / 7).
    bright = torch.log(torch.e + torch.tensor(6.0)) - 1
    expected = (5 * bright + 2 * torch.log(torch.tensor(7.0))) / 7
    assert outcome.objective.item() == pytest.approx(expected.item(), rel=1e-6)
    assert module.model.watched == 1


def test_sizes_are_those_the_task_says_it_supplies() -> None:
    sizes = VideoCaptioningTask.sizes(SPEC)
    assert sizes == {"vocab_size": 7, "pad_id": 0}
    assert set(sizes) == VideoCaptioningTask.supplied_sizes


def test_captions_are_searched_for_each_video() -> None:
    module = task().eval()
    found = module.decode(module.model.watch(Footage(batch().frames, batch().frame_counts)))
    assert found.tokens[:, 0, :3].tolist() == [[4, 5, 2]] * 2


def test_without_attention_nothing_is_covered() -> None:
    search = Beam(beam_size=2, num_best=1, length_penalty=0.0, coverage_penalty=0.5, max_length=3)
    with pytest.raises(UserError, match="ever covered"):
        task(build("s2vt").float(), search)
    model = build("temporal_attention").float()
    assert model.training
    task(model, search)
    assert model.training
