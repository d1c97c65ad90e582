"""Every model of memory_qa: padding, empty stories, gradients, batches and what it promises."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from seqlab.models.interfaces import Questions
from tests.unit.models.memory_qa.parts import (
    ATTENDING,
    MODELS,
    PAD,
    VOCABULARY,
    build,
    example,
    further,
)


@pytest.mark.parametrize("name", MODELS)
def test_padding_further_changes_nothing(name: str) -> None:
    model = build(name)
    questions, _ = example()
    short, long = model(questions), model(further(questions))
    torch.testing.assert_close(long.logits, short.logits)
    if short.attention is not None:
        torch.testing.assert_close(long.attention[:, :, :6], short.attention)
        assert not long.attention[:, :, 6:].any()


def test_padding_further_changes_no_loss() -> None:
    for name in ("memnn bow", "memnn bow adaptive"):
        model = build(name).train()
        questions, supporting = example()
        short, long = model(questions, supporting), model(further(questions), supporting)
        for key, term in short.auxiliary.items():
            torch.testing.assert_close(long.auxiliary[key].value, term.value)
        torch.testing.assert_close(long.logits, short.logits)


@pytest.mark.parametrize("name", MODELS)
def test_a_question_is_the_same_alone_and_in_a_batch(name: str) -> None:
    model = build(name)
    questions, _ = example()
    together = model(questions)
    for n, length in enumerate(questions.num_facts.tolist()):
        words = questions.question[n : n + 1]
        facts = questions.facts[n : n + 1, :length]
        alone = model(Questions(facts, questions.num_facts[n : n + 1], words[words != PAD][None]))
        torch.testing.assert_close(alone.logits[0], together.logits[n])


@pytest.mark.parametrize("name", ATTENDING)
def test_attention_is_0_on_padding(name: str) -> None:
    model = build(name)
    questions, _ = example()
    attention = model(questions).attention
    for n, length in enumerate(questions.num_facts.tolist()):
        assert not attention[n, :, length:].any()
    if not {"memn2n", "adaptive"} & set(name.split()):  # they can read nothing too
        torch.testing.assert_close(attention.sum(dim=2), torch.ones(3, attention.shape[1]).double())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("case", ["usual", "one fact", "no facts", "no words", "zeros"])
def test_gradients_are_finite(name: str, case: str) -> None:
    """Also where there is nothing to read, and where all that is read is 0."""
    model = build(name).train()
    questions, supporting = example()
    if case == "one fact":
        questions = questions._replace(facts=questions.facts[:, :1], num_facts=torch.ones(3).long())
        supporting = torch.zeros(3, 1).long()
    elif case == "no facts":
        facts = torch.full_like(questions.facts, PAD)
        questions = questions._replace(facts=facts, num_facts=torch.zeros(3).long())
        supporting = torch.full((3, 1), -1)
    elif case == "no words":
        questions = questions._replace(facts=torch.full_like(questions.facts, PAD))
    elif case == "zeros":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
    answered = model(questions, supporting)
    assert answered.logits[:, 1:].isfinite().all()
    loss = cross_entropy(answered.logits, torch.tensor([3, 4, 5]), reduction="sum")
    with torch.autograd.set_detect_anomaly(True):  # not even on the way
        (loss + sum(term.value.sum() for term in answered.auxiliary.values())).backward()
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), key
        if case == "usual":
            assert parameter.grad is not None, key
            assert parameter.grad.any(), key


@pytest.mark.parametrize("name", MODELS)
def test_model_keeps_its_word(name: str) -> None:
    model = build(name).train()
    questions, supporting = example()
    answered = model(questions, supporting)
    assert answered.logits.shape == (3, VOCABULARY)
    assert set(answered.auxiliary) == set(model.auxiliary_names)
    assert all(term.value.shape == (3,) for term in answered.auxiliary.values())
    assert (answered.attention is not None) == (name in ATTENDING)


@pytest.mark.parametrize("name", MODELS)
def test_an_evaluation_does_not_know_what_supports_an_answer(name: str) -> None:
    model = build(name)
    questions, supporting = example()
    told, asked = model(questions, supporting), model(questions)
    assert torch.equal(told.logits, asked.logits)
    assert told.auxiliary == asked.auxiliary == {}
    if told.attention is not None:
        assert torch.equal(told.attention, asked.attention)


LEARNING = ["memn2n bow adjacent", "memnn bow", "kv_memnn bow ordered"]


@pytest.mark.parametrize("name", LEARNING)
def test_learns_who_is_where(name: str) -> None:
    """Stories of two people who move; the last move of the one who is asked for is the answer."""
    generator = torch.Generator().manual_seed(0)
    people = torch.randint(1, 3, (96, 4), generator=generator)
    places = torch.randint(3, 6, (96, 4), generator=generator)
    people[:, 0], people[:, 1] = 1, 2  # both are somewhere
    asked = torch.randint(1, 3, (96,), generator=generator)
    steps = torch.arange(4).expand(96, 4)
    last = torch.where(people == asked.unsqueeze(1), steps, -1).amax(dim=1)
    answers = places.gather(1, last.unsqueeze(1)).squeeze(1)
    facts = torch.stack([people, places], dim=2)
    questions = Questions(facts, torch.full((96,), 4), asked.unsqueeze(1))

    model = build(name, embedding_dim=16).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(80):
        answered = model(questions, last.unsqueeze(1))
        loss = cross_entropy(answered.logits, answers)
        loss = loss + sum(term.value.mean() for term in answered.auxiliary.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    answered = model.eval()(questions)
    assert (answered.logits.argmax(dim=1) == answers).double().mean() > 0.95
    if name == "memnn bow":
        assert (answered.attention[:, 0].argmax(dim=1) == last).all()
