"""MemNN against the loops of the paper: which facts are picked, what is lost, what is answered."""

import numpy as np
import pytest
import torch
from torch import nn

from seqlab.models.memory_qa.memnn import MemNN
from tests.unit.models.memory_qa.parts import build, example
from tests.unit.models.memory_qa.test_equations import encode, numpy_of

NAMES = [
    "memnn bow",
    "memnn ngrams nonlinear",
    "memnn bow adaptive",
    "memnn bow adaptive nonlinear",
]


class Loop:
    """One question answered by the words of the paper, pair by pair of facts."""

    def __init__(self, model: MemNN, n: int) -> None:
        questions, _ = example()
        self.model, self.length = model, int(questions.num_facts[n])
        words = questions.facts[n, : self.length]
        self.x, self.r = (encode(model.question_encoding, questions.question[n], t) for t in (0, 1))
        self.m, self.y, self.r_m = (
            np.array([encode(model.fact_encoding, fact, t) for fact in words]) for t in range(3)
        )
        if model.no_more is not None:
            self.y = np.concatenate([self.y, numpy_of(model.no_more)[None]])
        self.time, self.hop = self.length, 0

    def layer(self, name: str, vector: np.ndarray) -> np.ndarray:
        layer = getattr(self.model, name)
        if isinstance(layer, nn.Identity):
            return vector
        linear = layer[1]
        return np.tanh(numpy_of(linear.weight) @ np.tanh(vector) + numpy_of(linear.bias))

    def over(self, y: int, other: int) -> float:
        x = self.layer("known_layer", self.x)
        match = [x @ self.layer("candidate_layer", self.y[i]) for i in (y, other)]

        def sign(a: int, b: int) -> float:
            return 1.0 if a < b else -1.0

        features = [
            0.0 if y == self.length else sign(self.time, y),
            0.0 if other == self.length else sign(self.time, other),
            0.0 if self.length in (y, other) else sign(y, other),
        ]
        return match[0] - match[1] + float(numpy_of(self.model.order.weight) @ x @ features)

    def best(self) -> int:
        champion = 0
        for candidate in range(1, len(self.y)):
            if self.over(candidate, champion) > 0:
                champion = candidate
        return champion

    def loss(self, true: int) -> float:
        margin = self.model.margin
        others = [f for f in range(len(self.y)) if f != true]
        return sum(
            max(0, margin - self.over(true, f)) + max(0, margin + self.over(f, true))
            for f in others
        )

    def pick(self, fact: int) -> None:
        turn = numpy_of(self.model.turns[self.hop])
        self.x, self.r = self.x + self.m[fact], self.r + turn * self.r_m[fact]
        self.time, self.hop = fact, self.hop + 1

    def logits(self) -> np.ndarray:
        return numpy_of(self.model.to_words.weight) @ self.layer("answer_layer", self.r)


@pytest.mark.parametrize("name", NAMES)
def test_picks_and_answers(name: str) -> None:
    model = build(name, num_hops=4)
    answered = model(example()[0])
    num_stopped = 0
    for n in range(3):
        loop = Loop(model, n)
        for hop in range(4):
            chosen = loop.best()
            expected = np.zeros(6)
            if chosen == loop.length:  # no more
                num_stopped += 1
                assert not answered.attention[n, hop:].any()
                break
            expected[chosen] = 1
            assert answered.attention[n, hop].tolist() == expected.tolist()
            loop.pick(chosen)
        np.testing.assert_allclose(numpy_of(answered.logits[n]), loop.logits(), rtol=1e-6)
    assert (num_stopped > 0) == ("adaptive" in name)


@pytest.mark.parametrize("name", NAMES)
def test_training_follows_the_facts_that_are_needed(name: str) -> None:
    """Each hop is charged for its own fact, given the true ones before it."""
    adaptive = "adaptive" in name
    model = build(name, num_hops=7 if adaptive else 3, margin=0.5).train()
    questions, supporting = example()
    answered = model(questions, supporting)
    assert answered.attention.shape[1] == 3  # nobody needs a fourth
    loss, weight = answered.auxiliary["supporting_facts"]
    assert weight == 1.0
    assert (loss > 0).sum() >= 2  # the third story has but one fact
    for n in range(3):
        loop, expected = Loop(model, n), 0.0
        needed = [fact for fact in supporting[n].tolist() if fact >= 0]
        stop = [loop.length] if adaptive else [needed[-1]] * (3 - len(needed))
        for hop, true in enumerate(needed + stop):
            expected += loop.loss(true)
            if true < loop.length:
                loop.pick(true)
                assert answered.attention[n, hop].argmax() == true
        np.testing.assert_allclose(loss[n].item(), expected, rtol=1e-6)
        np.testing.assert_allclose(numpy_of(answered.logits[n]), loop.logits(), rtol=1e-6)


def test_the_order_of_the_facts_is_known_to_the_answer() -> None:
    """The same two facts, needed the other way round, are another question: tasks 11 and 13."""
    model = build("memnn bow", num_hops=2).train()
    questions, supporting = example()
    logits = model(questions, supporting).logits[0]
    turned = model(questions, supporting.flip(1)).logits[0]
    assert (logits - turned).abs().max() > 0.1


@pytest.mark.parametrize("name", ["memnn bow", "memnn bow adaptive"])
def test_more_facts_than_hops(name: str) -> None:
    model = build(name, num_hops=1).train()
    questions, supporting = example()
    answered = model(questions, supporting)
    first = model(questions, supporting[:, :1])
    assert answered.attention.shape[1] == 1
    torch.testing.assert_close(
        answered.auxiliary["supporting_facts"].value[:1],
        first.auxiliary["supporting_facts"].value[:1],
    )


def test_questions_of_which_nobody_says_what_they_need_teach_no_facts() -> None:
    model = build("memnn bow").train()
    questions, supporting = example()
    supporting = supporting.clone()
    supporting[1] = -1
    answered = model(questions, supporting)
    loss = answered.auxiliary["supporting_facts"].value
    assert loss[1] == 0
    assert loss[0] > 0
    assert not answered.attention[1].any()


def test_needs_to_be_told_what_supports_an_answer() -> None:
    with pytest.raises(ValueError, match="supporting facts"):
        build("memnn bow").train()(example()[0])


@pytest.mark.parametrize("choice", [{"num_hops": 0}, {"margin": 0.0}])
def test_refused_settings(choice: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        build("memnn bow", **choice)
