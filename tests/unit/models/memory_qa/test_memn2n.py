"""What changes in the course of training MemN2N: the linear start and the noise in time."""

import pytest
import torch

from tests.unit.models.memory_qa.parts import build, example


def test_linear_start_ends_in_time() -> None:
    model = build("memn2n bow adjacent", linear_start_epochs=2)
    questions, _ = example()
    without, with_softmax = [], build("memn2n bow adjacent")(questions).logits
    for epoch in range(4):
        model.begin_epoch(epoch)
        without.append(not torch.equal(model(questions).logits, with_softmax))
    assert without == [True, True, False, False]


def test_a_model_without_linear_start_has_its_softmax_at_once() -> None:
    assert not build("memn2n bow adjacent", linear_start_epochs=0).is_linear
    assert build("memn2n bow adjacent", linear_start_epochs=1).is_linear


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_checkpoint_knows_whether_the_start_is_over(epoch: int) -> None:
    trained = build("memn2n bow adjacent", linear_start_epochs=2)
    trained.begin_epoch(epoch)
    read = build("memn2n bow adjacent", linear_start_epochs=2)
    read.begin_epoch(2 - epoch)
    read.load_state_dict(trained.state_dict())
    questions, _ = example()
    torch.testing.assert_close(read(questions).logits, trained(questions).logits)


def test_noise_is_for_training() -> None:
    model = build("memn2n bow adjacent", time_noise=1.0)
    questions, _ = example()
    assert torch.equal(model(questions).logits, model(questions).logits)
    model.train()
    assert not torch.equal(model(questions).logits, model(questions).logits)


def test_facts_before_the_memory_are_forgotten() -> None:
    model = build("memn2n position adjacent", memory_size=2)
    questions, _ = example()
    facts = questions.facts.clone()
    facts[0, :4] = 1  # of six
    before, after = model(questions), model(questions._replace(facts=facts))
    torch.testing.assert_close(after.logits, before.logits)
    assert not after.attention[0, :, :4].any()


@pytest.mark.parametrize("choice", [{"num_hops": 0}, {"linear_start_epochs": -1}])
def test_refused_settings(choice: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        build("memn2n bow adjacent", **choice)
