"""The data module: which examples come when, whatever else there is."""

from typing import Any

import numpy as np
import pytest
import torch

from seqlab.data.algorithmic import AlgorithmicDataModule, together
from seqlab.data.batches import AlgorithmicBatch
from seqlab.data.curricula import Curriculum
from seqlab.data.spec import AlgorithmicSpec
from seqlab.data.synthetic.algorithms.addition import Addition
from seqlab.data.synthetic.algorithms.copy import Copy
from seqlab.data.synthetic.algorithms.ngrams import NGrams
from seqlab.data.synthetic.algorithms.parity import Parity
from seqlab.data.synthetic.algorithms.repeat_copy import RepeatCopy


def module(**changed: Any) -> AlgorithmicDataModule:
    settings: dict[str, Any] = {
        "algorithm": Copy(num_bits=4),
        "curriculum": Curriculum(strategy="mixed", growth_epochs=0),
        "difficulties": (1, 3),
        "test_difficulties": [3, 6],
        "num_train": 22,
        "num_val": 10,
        "num_test": 9,
        "batch_size": 4,
        "evaluation_seed": 0,
        "num_workers": 0,
        "seed": 1,
    }
    return AlgorithmicDataModule(**(settings | changed))


def equal(first: AlgorithmicBatch, second: AlgorithmicBatch) -> bool:
    parts = zip(first, second, strict=True)
    return all(
        torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
        for one, other in parts
    )


def test_training_batches_are_a_function_of_seed_epoch_and_place() -> None:
    loader = module().train_dataloader()
    epochs = []
    for epoch in (0, 1, 0):
        loader.set_epoch(epoch)
        epochs.append(list(loader))
    assert [len(batch.inputs) for batch in epochs[0]] == [4, 4, 4, 4, 4, 2]
    names = [name for batch in epochs[1] for name in batch.example_ids]
    assert names == [f"train:1:{number}" for number in range(1, 23)]
    for first, second, again in zip(*epochs, strict=True):
        assert not equal(first, second)
        assert equal(first, again)
    other = module(seed=2).train_dataloader()
    assert not equal(next(iter(other)), epochs[0][0])
    workers = module(num_workers=2).train_dataloader()
    assert all(equal(one, same) for one, same in zip(workers, epochs[0], strict=True))


def test_a_loader_goes_on_in_the_middle_of_an_epoch() -> None:
    loader = module().train_dataloader()
    loader.set_epoch(3)
    whole = list(loader)
    loader.load_state_dict({"epoch": 3, "batch": 4})
    assert all(equal(one, same) for one, same in zip(loader, whole[4:], strict=True))


def test_a_batch_has_one_difficulty_and_no_padding() -> None:
    lengths = set()
    for batch in module(num_train=400).train_dataloader():
        (difficulty,) = set(batch.difficulties.tolist())
        assert batch.inputs.shape[1:] == (2 * difficulty + 1, 5)
        assert batch.lengths.tolist() == [2 * difficulty + 1] * len(batch.inputs)
        lengths.add(difficulty)
    assert lengths == {1, 2, 3}


def test_the_curriculum_is_told_the_epoch() -> None:
    curriculum = Curriculum(strategy="naive", growth_epochs=2)
    loader = module(curriculum=curriculum).train_dataloader()
    for epoch, difficulty in ((0, 1), (1, 2), (2, 3)):
        loader.set_epoch(epoch)
        assert {d for batch in loader for d in batch.difficulties.tolist()} == {difficulty}


def test_validation_has_all_trained_difficulties_alike() -> None:
    found = [d for batch in module().val_dataloader() for d in batch.difficulties.tolist()]
    assert sorted(found) == [1] * 4 + [2] * 3 + [3] * 3
    few = [d for batch in module(num_val=2).val_dataloader() for d in batch.difficulties.tolist()]
    assert few == [1, 2]


def test_evaluation_depends_on_no_batch_size_and_no_training_seed() -> None:
    def rows(data: AlgorithmicDataModule) -> dict[str, np.ndarray]:
        return {
            name: batch.targets[row].numpy()
            for loader in (data.val_dataloader(), data.test_dataloader())
            for batch in loader
            for row, name in enumerate(batch.example_ids)
        }

    first, same = rows(module()), rows(module(batch_size=1, seed=9, num_train=50))
    assert list(first) == list(same)
    assert all(np.array_equal(first[name], same[name]) for name in first)
    other = rows(module(evaluation_seed=1))
    assert any(not np.array_equal(first[name], other[name]) for name in first)
    assert not np.array_equal(first["val:3:1"], first["test:3:1"])
    assert [name for name in first if name.startswith("test:6")] == [
        f"test:6:{n}" for n in range(1, 10)
    ]


def test_what_it_says_of_itself() -> None:
    spec = module().spec
    assert spec == AlgorithmicSpec.from_json(spec.to_json())
    assert (spec.algorithm, spec.input_dim, spec.output_dim) == ("copy", 5, 4)
    assert (spec.outputs, spec.num_steps) == ("bits", 0)
    parity = module(algorithm=Parity(num_bits=6)).spec
    assert (parity.input_dim, parity.output_dim, parity.num_steps) == (6, 1, 1)
    sums = module(algorithm=Addition(), difficulties=(2, 2), test_difficulties=[2]).spec
    assert (sums.outputs, sums.num_steps, sums.output_dim) == ("symbols", 10, 11)


def test_the_hash_is_of_what_is_evaluated() -> None:
    known = module().spec.split_hash
    for same in ({"seed": 3}, {"batch_size": 2}, {"num_train": 50}):
        assert module(**same).spec.split_hash == known
    for other in (
        {"evaluation_seed": 3},
        {"num_val": 11},
        {"algorithm": Copy(num_bits=5)},
        {"test_difficulties": [3, 7]},
    ):
        assert module(**other).spec.split_hash != known


def test_padding_is_zero_and_not_scored() -> None:
    algorithm = RepeatCopy(num_bits=2, difficulty="length", max_length=3, max_repeats=4)
    (batch, *_) = module(algorithm=algorithm, num_test=30).test_dataloader()
    assert len(set(batch.lengths.tolist())) > 1
    assert batch.inputs.shape[1] == batch.lengths.max()
    for row, length in enumerate(batch.lengths.tolist()):
        assert not batch.inputs[row, length:].any()
        assert not batch.scored[row, length:].any()
        assert batch.scored[row, length - 1]


def test_the_best_prediction_comes_with_ngrams() -> None:
    data = module(algorithm=NGrams(order=2), difficulties=(9, 9), test_difficulties=[9])
    (batch, *_) = data.train_dataloader()
    assert batch.optimal_bits is not None
    assert batch.optimal_bits.shape == (4,)
    (plain, *_) = module().train_dataloader()
    assert plain.optimal_bits is None


def test_lines_of_several_lengths_are_one_batch() -> None:
    data = module()
    batch = together(
        [data.read_line("1010"), data.read_line("copy: 1111 0001")], torch.device("cpu")
    )
    assert batch.lengths.tolist() == [3, 5]
    assert not batch.inputs[0, 3:].any()
    assert batch.scored.tolist() == [[False, False, True, False, False], [False] * 3 + [True] * 2]
    assert batch.targets[1, 3:].tolist() == [[1, 1, 1, 1], [0, 0, 0, 1]]


def test_a_line_for_another_algorithm_is_refused() -> None:
    with pytest.raises(
        ValueError, match="'addition' is not what the run has learnt, which is copy"
    ):
        module().read_line("addition: 1 + 2")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"difficulties": (3, 1)}, "from 3 up to 1"),
        ({"difficulties": (0, 1)}, "at least 1, not 0"),
        ({"test_difficulties": []}, "has at least one"),
        ({"num_train": 3}, "num_train makes a batch"),
        ({"algorithm": Parity(num_bits=5)}, "6 bits cannot be drawn of num_bits=5"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module(**changed)
