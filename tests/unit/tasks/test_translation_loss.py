"""What is minimised in translation."""

import math

import pytest
from torch.nn import functional as F

from seqlab.config.errors import UserError
from seqlab.data.batches import TranslationBatch
from seqlab.data.translation import TranslationDataModule
from seqlab.tasks.translation import TranslationTask
from tests.unit.tasks.dictionary import (
    ALONE,
    CHOSEN,
    NUM_WORDS,
    SECOND,
    TOTAL,
    lines,
    task,
)


@pytest.fixture
def data() -> TranslationDataModule:
    return lines()


def first_batch(data: TranslationDataModule) -> TranslationBatch:
    return next(iter(data.test_dataloader()))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_smoothing_is_that_of_torch(smoothing: float, data: TranslationDataModule) -> None:
    module, batch = task(data, label_smoothing=smoothing), first_batch(data)
    outcome = module.train_batch(batch)
    logits = module._teach(batch).logits
    expected = F.cross_entropy(
        logits.flatten(0, 1),
        batch.tokens[:, 1:].flatten(),
        ignore_index=data.spec.pad_id,
        label_smoothing=smoothing,
    )
    assert outcome.logged["loss"].item() == pytest.approx(expected.item(), rel=1e-6)
    penalty = 0.5 * (1 + 2) / int(batch.lengths.sum())
    assert outcome.objective.item() == pytest.approx(expected.item() + penalty, rel=1e-6)


def test_label_smoothing_worked_by_hand() -> None:
    """The nine words of "dog" -> "Hund" have logits 4 and eight times 0; its end 4, 2, 0 ..."""
    data = lines([("dog", "Hund")])
    loss = task(data, label_smoothing=0.1).train_batch(first_batch(data)).logged["loss"]
    word = math.log(ALONE) - (0.9 * CHOSEN + 0.1 * CHOSEN / NUM_WORDS)
    end = math.log(TOTAL) - (0.9 * CHOSEN + 0.1 * (CHOSEN + SECOND) / NUM_WORDS)
    assert loss.item() == pytest.approx((word + end) / 2, rel=1e-6)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_is_a_share(smoothing: float, data: TranslationDataModule) -> None:
    with pytest.raises(UserError, match="it is a share, from 0 to below 1"):
        task(data, label_smoothing=smoothing)


def test_a_weight_that_no_term_has_is_refused(data: TranslationDataModule) -> None:
    with pytest.raises(UserError, match=r"auxiliary_weights\.penality"):
        task(data, auxiliary_weights={"penality": 1.0})


def test_sizes_are_those_the_task_says_it_supplies(data: TranslationDataModule) -> None:
    sizes = TranslationTask.sizes(data.spec)
    assert sizes == {
        "source_vocab_size": NUM_WORDS,
        "target_vocab_size": NUM_WORDS,
        "pad_id": 0,
    }
    assert set(sizes) == TranslationTask.supplied_sizes
