"""Sequences that an algorithm makes, in batches."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from lightning import LightningDataModule
from torch.utils.data import Dataset

from seqlab.data.batches import AlgorithmicBatch
from seqlab.data.curricula import Curriculum
from seqlab.data.loading import ResumableLoader
from seqlab.data.spec import AlgorithmicSpec
from seqlab.data.synthetic.algorithms.interface import Algorithm, Examples

NAMED = re.compile(r"\s*(?P<name>[a-z_]+)\s*:(?P<line>.*)")  # copy: 101 011

# How many times as many sequences a batch of evaluation has: without gradients there is room.
_EVALUATION_BATCHES = 4
_VAL, _TEST = 1, 2  # set the examples of one split apart from those of the other


class AlgorithmicDataModule(LightningDataModule):
    """Batches of what an algorithm draws, made as they are asked for.

    All examples of a batch have one difficulty, so that there is little padding. Those of a
    training batch are a function of seed, epoch and the batch's place in it, and are seen once;
    those of evaluation are a function of `evaluation_seed`, split, difficulty and number, whatever
    the size of a batch. Short sequences are few: validation can meet some that were trained on.

    Args:
        algorithm: draws the examples.
        curriculum: how difficult a training batch is.
        difficulties: the least and the greatest in training; validation has all of them alike.
        test_difficulties: those of the test, which may lie beyond.
        num_train: examples that make up an epoch.
        num_val: examples of all difficulties together.
        num_test: examples of each difficulty.
        batch_size: examples of a training batch; four times as many in evaluation.
        evaluation_seed: what the examples of validation and test are a function of. It is not the
            run's, so that all seeds of an experiment see the same.
        num_workers: processes that draw; 0 draws in the main one.
        seed: what the examples of training are a function of.

    Raises:
        ValueError: there are no examples of a difficulty, or a number is too small.
    """

    batch_type: ClassVar = AlgorithmicBatch

    def __init__(
        self,
        *,
        algorithm: Algorithm,
        curriculum: Curriculum,
        difficulties: tuple[int, int],
        test_difficulties: list[int],
        num_train: int,
        num_val: int,
        num_test: int,
        batch_size: int,
        evaluation_seed: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.least, self.most = difficulties
        if self.least > self.most:
            raise ValueError(f"difficulties go from {self.least} up to {self.most}")
        if not test_difficulties:
            raise ValueError("test_difficulties has at least one")
        if num_train < batch_size or batch_size < 1 or num_val < 1 or num_test < 1:
            raise ValueError(
                "batch_size, num_val and num_test are at least 1, and num_train makes a batch"
            )
        steps = {algorithm.num_steps(each) for each in (self.least, self.most, *test_difficulties)}
        self.num_steps = steps.pop() if len(steps) == 1 else None
        self.algorithm, self.curriculum = algorithm, curriculum
        self.test_difficulties = tuple(dict.fromkeys(test_difficulties))
        self.num_train, self.num_val, self.num_test = num_train, num_val, num_test
        self.batch_size, self.num_workers = batch_size, num_workers
        self.evaluation_seed, self.seed = evaluation_seed, seed

    @property
    def spec(self) -> AlgorithmicSpec:
        """What the data says of itself."""
        algorithm = self.algorithm
        return AlgorithmicSpec(
            algorithm=algorithm.name,
            input_dim=algorithm.input_dim,
            output_dim=algorithm.output_dim,
            outputs=algorithm.outputs,
            num_steps=self.num_steps or 0,
            split_hash=self._hash(),
        )

    def _hash(self) -> str:
        """Of all that the examples of validation and test are a function of."""
        settings = {
            "algorithm": [self.algorithm.name, vars(self.algorithm)],
            "difficulties": [self.least, self.most, *self.test_difficulties],
            "numbers": [self.num_val, self.num_test],
            "seed": self.evaluation_seed,
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def adopt(self, spec: AlgorithmicSpec) -> None:
        """Nothing: the spec of a checkpoint says nothing that the settings do not."""

    def train_dataloader(self) -> ResumableLoader:
        """Batches of new examples in every epoch."""
        return self._loader(TrainingBatches(self), -(-self.num_train // self.batch_size))

    def val_dataloader(self) -> ResumableLoader:
        """Examples of all trained difficulties, each as often as can be."""
        span = self.most - self.least + 1
        counts = {
            self.least + place: len(range(place, self.num_val, span))
            for place in range(min(span, self.num_val))
        }
        return self._evaluation_loader("val", _VAL, counts)

    def test_dataloader(self) -> ResumableLoader:
        """Examples of the test's difficulties."""
        counts = dict.fromkeys(self.test_difficulties, self.num_test)
        return self._evaluation_loader("test", _TEST, counts)

    def _evaluation_loader(
        self, split: str, number: int, counts: dict[int, int]
    ) -> ResumableLoader:
        batches = EvaluationBatches(
            self.algorithm,
            split,
            counts,
            seed=[self.evaluation_seed, number],
            batch_size=_EVALUATION_BATCHES * self.batch_size,
        )
        return self._loader(batches, len(batches))

    def _loader(self, batches: Dataset[AlgorithmicBatch], count: int) -> ResumableLoader:
        return ResumableLoader(batches, _InOrder(count), _only, num_workers=self.num_workers)

    def read_line(self, line: str) -> Examples:
        """The one example that a person has written, after the algorithm's name or without it.

        Raises:
            ValueError: it is not understood; the text says why.
        """
        named = NAMED.fullmatch(line)
        if named is not None and named["name"] != self.algorithm.name:
            raise ValueError(
                f"{named['name']!r} is not what the run has learnt, which is {self.algorithm.name}"
            )
        return self.algorithm.read((named["line"] if named else line).strip())

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """None: nothing is read."""
        if on_progress is not None:
            on_progress(1, 1)
        return []


class TrainingBatches(Dataset[AlgorithmicBatch]):
    """The batches of each epoch, asked for by epoch and place.

    Args:
        data: says what is drawn.
    """

    def __init__(self, data: AlgorithmicDataModule) -> None:
        self.data = data

    def __getitem__(self, key: tuple[int, int]) -> AlgorithmicBatch:
        data, (epoch, place) = self.data, key
        generator = np.random.default_rng([data.seed, epoch, place])
        difficulty = data.curriculum.difficulty(generator, epoch, data.least, data.most)
        first = place * data.batch_size
        count = min(data.batch_size, data.num_train - first)
        examples = data.algorithm.draw(generator, difficulty, count)
        names = tuple(f"train:{epoch}:{number}" for number in range(first + 1, first + 1 + count))
        return as_batch(examples, names, [difficulty] * count)


class EvaluationBatches(Dataset[AlgorithmicBatch]):
    """The batches of a split, asked for by epoch, which changes nothing, and place.

    Args:
        algorithm: draws the examples.
        split: its name.
        counts: number of examples of each difficulty.
        seed: of the split.
        batch_size: most examples of a batch.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        split: str,
        counts: dict[int, int],
        *,
        seed: list[int],
        batch_size: int,
    ) -> None:
        self.algorithm, self.split, self.counts, self.seed = algorithm, split, counts, seed
        self.shares = [
            (difficulty, slice(first, min(first + batch_size, count)))
            for difficulty, count in counts.items()
            for first in range(0, count, batch_size)
        ]
        self._drawn: dict[int, Examples] = {}

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, key: tuple[int, int]) -> AlgorithmicBatch:
        difficulty, share = self.shares[key[1]]
        if difficulty not in self._drawn:
            generator = np.random.default_rng([*self.seed, difficulty])
            count = self.counts[difficulty]
            self._drawn[difficulty] = self.algorithm.draw(generator, difficulty, count)
        own = Examples(*(None if part is None else part[share] for part in self._drawn[difficulty]))
        names = tuple(
            f"{self.split}:{difficulty}:{n}" for n in range(share.start + 1, share.stop + 1)
        )
        return as_batch(own, names, [difficulty] * len(names))


def as_batch(
    examples: Examples, names: tuple[str, ...], difficulties: Sequence[int]
) -> AlgorithmicBatch:
    """A batch of examples, cut to the longest of them."""
    longest = int(examples.lengths.max())

    def tensor(part: Any, cut: bool) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(part[:, :longest] if cut else part))

    return AlgorithmicBatch(
        example_ids=names,
        inputs=tensor(examples.inputs, True),
        lengths=tensor(examples.lengths, False),
        targets=tensor(examples.targets, True),
        scored=tensor(examples.scored, True),
        difficulties=torch.tensor(difficulties),
        optimal_bits=None
        if examples.optimal_bits is None
        else tensor(examples.optimal_bits, False),
    )


def together(examples: Sequence[Examples], device: torch.device) -> AlgorithmicBatch:
    """One batch of examples of several lengths, with zeros after the last step of each."""
    longest = max(each.inputs.shape[1] for each in examples)

    def pad(part: Any) -> Any:
        return np.pad(part, [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)])

    joined = Examples(
        inputs=np.concatenate([pad(each.inputs) for each in examples]),
        lengths=np.concatenate([each.lengths for each in examples]),
        targets=np.concatenate([pad(each.targets) for each in examples]),
        scored=np.concatenate([pad(each.scored) for each in examples]),
    )
    count = len(joined.inputs)
    names = tuple(f"line:{number}" for number in range(1, count + 1))
    batch = as_batch(joined, names, [0] * count)
    return batch._replace(
        **{
            name: part.to(device)
            for name, part in batch._asdict().items()
            if isinstance(part, torch.Tensor)
        }
    )


class _InOrder:
    """As many batches, each of which the data set gives as one."""

    def __init__(self, count: int) -> None:
        self._batches = [[place] for place in range(count)]

    def batches(self, epoch: int) -> list[list[int]]:
        return self._batches


def _only(batches: list[AlgorithmicBatch]) -> AlgorithmicBatch:
    (batch,) = batches
    return batch
