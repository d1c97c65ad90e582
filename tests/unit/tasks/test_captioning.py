"""The objective of captioning, worked by hand, and what an evaluation says."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.decoding.beam import Beam
from seqlab.components.decoding.greedy import Greedy
from seqlab.components.decoding.interface import Search
from seqlab.config.errors import UserError
from seqlab.data.batches import CaptionBatch
from seqlab.data.spec import CaptionSpec
from seqlab.models.interfaces import AuxiliaryTerm, CaptioningModel, TeacherForced
from seqlab.tasks.base import Schedule
from seqlab.tasks.captioning import CaptioningTask
from seqlab.tasks.described import words_of
from tests.unit.models.captioning_parts import build

SPEC = CaptionSpec(
    words=("<pad>", "<start>", "<end>", "<unknown>", "red", "circle"),
    image_height=2,
    image_width=2,
    max_length=3,
    split_hash="",
)


class Parrot(CaptioningModel):
    """Always "red circle", with one logit to train and one auxiliary term."""

    auxiliary_names = ("penalty",)

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Identity()  # type: ignore[assignment]
        self.backbone.frozen = False
        self.logit = nn.Parameter(torch.tensor(2.0))

    def encode(self, source: Tensor) -> tuple[Any, None]:
        return (torch.zeros(len(source), 1),), None

    def step(self, tokens: Tensor, state: Any, memory: None) -> tuple[Tensor, Any]:
        following = {SPEC.start_id: 4, 4: 5, 5: SPEC.end_id}
        scores = torch.full((len(tokens), len(SPEC.words)), -1e9)
        for row, token in enumerate(tokens.tolist()):
            scores[row, following.get(token, SPEC.end_id)] = 0.0
        return scores.log_softmax(dim=1), state

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        targets = tokens[:, 1:]
        logits = torch.zeros(*targets.shape, len(SPEC.words))
        logits = logits.scatter(2, targets.unsqueeze(2), 1.0) * self.logit
        penalty = AuxiliaryTerm(torch.tensor([3.0, 5.0]), weight=0.5)
        return TeacherForced(logits, None, {"penalty": penalty})


def batch() -> CaptionBatch:
    """One image with two captions, "red circle" and "circle"."""
    return CaptionBatch(
        image_ids=("a.jpg",),
        images=torch.zeros(1, 3, 2, 2),
        features=None,
        image_index=torch.tensor([0, 0]),
        tokens=torch.tensor([[1, 4, 5, 2], [1, 5, 2, 0]]),
        lengths=torch.tensor([3, 2]),
        references=(("red circle", "circle"),),
        objects=None,
        masks=None,
    )


def task(
    model: CaptioningModel | None = None, search: Search | None = None, **weights: float
) -> CaptioningTask:
    return CaptioningTask(
        model=model or Parrot(),
        spec=SPEC,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        schedule=Schedule(),
        decoding=search or Greedy(max_length=5),
        auxiliary_weights=weights,
        num_figures=0,
    )


def test_objective_is_the_sum_over_sentences_by_the_number_of_words() -> None:
    outcome = task().train_batch(batch())
    # Each word and end: -log(e^2 / (e^2 + 5)); five of them count, the padding does not.
    nll = -(2.0 - torch.log(torch.exp(torch.tensor(2.0)) + 5))
    assert outcome.logged["loss"].item() == pytest.approx(nll.item(), rel=1e-6)
    expected = (5 * nll + 0.5 * (3.0 + 5.0)) / 5
    assert outcome.objective.item() == pytest.approx(expected.item(), rel=1e-6)
    assert outcome.logged["penalty"].item() == pytest.approx(4.0)


def test_a_weight_of_the_task_stands_in_for_the_papers() -> None:
    papers, own = task().train_batch(batch()), task(penalty=2.0).train_batch(batch())
    difference = (2.0 - 0.5) * (3.0 + 5.0) / 5
    assert (own.objective - papers.objective).item() == pytest.approx(difference, rel=1e-6)


def test_a_weight_that_no_term_has_is_refused() -> None:
    with pytest.raises(UserError) as raised:
        task(penalty=1.0, penality=2.0)
    (problem,) = raised.value.problems
    assert problem.key == "task.auxiliary_weights.penality"
    assert tuple(problem.allowed) == ("penalty",)


def test_captions_are_decoded_to_words() -> None:
    module = task().eval()
    found = module.decode(torch.zeros(2, 3, 2, 2))
    assert [words_of(tokens, SPEC) for tokens in found.tokens[:, 0]] == [["red", "circle"]] * 2
    assert found.log_probabilities[:, 0].tolist() == pytest.approx([0.0, 0.0], abs=1e-5)


def test_sizes_are_those_the_task_says_it_supplies() -> None:
    sizes = CaptioningTask.sizes(SPEC)
    assert sizes == {"vocab_size": 6, "pad_id": 0}
    assert set(sizes) == CaptioningTask.supplied_sizes


@pytest.mark.parametrize(
    ("name", "attends"), [("show_tell lstm", False), ("show_attend_tell additive lstm", True)]
)
def test_without_attention_nothing_is_covered(name: str, attends: bool) -> None:
    search = Beam(beam_size=2, num_best=1, length_penalty=0.0, coverage_penalty=0.5, max_length=3)
    refused = nullcontext() if attends else pytest.raises(UserError, match="ever covered")
    with refused:
        task(build(name).float(), search)
