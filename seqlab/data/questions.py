"""Questions about facts of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from lightning import LightningDataModule

from seqlab.data.batches import QuestionBatch
from seqlab.data.candidates import SharedWords, WordIndex
from seqlab.data.errors import DataError
from seqlab.data.fact_slots import FactError, FactSlots
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import FactBuckets, Plan, SortedTokens
from seqlab.data.question_coding import QuestionCoding, SlotTable, Splitter, vocabulary
from seqlab.data.question_dataset import QuestionDataset
from seqlab.data.question_sources import SPLITS, Asked, QuestionSource, Told
from seqlab.data.spec import QuestionSpec

log = logging.getLogger(__name__)

# Most facts of a batch of evaluation, padding included: without gradients there is room.
_EVALUATION_FACTS = 6000


class QuestionDataModule(LightningDataModule):
    """Batches of questions about facts.

    Evaluation gives the questions about most facts first, so that little is padding; `example_ids`
    say which they are.

    Args:
        source: reads the data set.
        slots: what of a fact is one slot of a memory.
        task: which kinds of questions are asked: `all`, or the name or the number, counted from 1,
            of one or several.
        candidates: which of the slots before it a question is asked about; None for all.
        max_facts: how many of these at most, the last ones where the candidates do not say which;
            None for no limit.
        buckets: training batches are of questions about like numbers of slots: up to the first of
            these, more than that and up to the second, and so on; where there are none, of all.
        batch_size: questions of a training batch.
        num_workers: processes that load; 0 loads in the main one.
        seed: what the order is a function of.
    """

    batch_type: ClassVar = QuestionBatch

    def __init__(
        self,
        *,
        source: QuestionSource,
        slots: FactSlots,
        task: str | int | Sequence[str | int],
        candidates: SharedWords | None,
        max_facts: int | None,
        buckets: Sequence[int],
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        for name, value in {"batch_size": batch_size, "max_facts": max_facts}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, and has to be at least 1")
        if list(buckets) != sorted(set(buckets)):
            raise ValueError(f"buckets are {list(buckets)}, and have to rise")
        self.source = source
        self.slots = slots
        self.tasks = _chosen(task, source.tasks)
        self.candidates = candidates
        self.max_facts = max_facts
        self.buckets = tuple(buckets)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._told: Told | None = None
        self._datasets: dict[str, QuestionDataset] = {}
        self._spec: QuestionSpec | None = None

    @property
    def spec(self) -> QuestionSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Read the data set and number its words, once.

        Raises:
            DataError: files are missing or malformed, no question is left to train on, or the facts
                are not of the form that the slots need.
        """
        if self._told is not None:
            return
        told = self.source.read(self.tasks)
        if not told.splits["train"]:
            raise DataError(["no question of the training split is left"], "is the data set whole?")
        try:
            coding = self._learn(told)
            self._code(told, coding)
        except FactError as error:
            raise DataError([str(error)], "memory_slots=sentences takes any fact") from error
        self._told = told
        dataset = self._datasets["train"]
        table = dataset.table
        trained = dataset.slots.values[: dataset.slots.counts.sum()]
        self._spec = QuestionSpec(
            words=coding.words,
            tasks=told.tasks,
            slots=coding.slots.to_json(),
            answers=tuple(sorted({int(n) for n in dataset.accepted.values} - {0})),
            max_facts=int(dataset.num_facts().max()),
            max_words=int(table.words.lengths[trained].max()),
            split_hash=_hash(told),
        )

    def _learn(self, told: Told) -> QuestionCoding:
        """The words and slots of the training split."""
        train = told.splits["train"]
        answers = [question.answers for question in train]
        split = Splitter([*told.entities, *(word for words in answers for word in words)])
        facts = [told.facts[n] for n in _told_facts(train)]
        fact_words, asked = [[*map(split, texts)] for texts in (facts, [q.text for q in train])]
        slots = self.slots.learn(fact_words, [*asked, *answers], told.entities)
        texts = [slot.words for fact in facts for slot in slots.cut(fact, split)]
        return QuestionCoding(vocabulary([*texts, *asked, *answers]), slots)

    def adopt(self, spec: QuestionSpec) -> None:
        """Number the words as the spec of a checkpoint does, once the data is set up."""
        if self._told is None:
            raise RuntimeError("a spec is adopted after setup()")
        if spec != self._spec:
            self._code(self._told, QuestionCoding.of(spec))
        self._spec = spec

    def _code(self, told: Told, coding: QuestionCoding) -> None:
        table = coding.encode_facts(told.facts)
        index = self.candidates and self.candidates.index(table)
        for split, asked in told.splits.items():
            slots = [self._slots_of(question, table, index, coding) for question in asked]
            self._datasets[split] = QuestionDataset(asked, table, slots, coding, told.tasks)

    def _slots_of(
        self, question: Asked, table: SlotTable, index: WordIndex | None, coding: QuestionCoding
    ) -> Sequence[int]:
        """Which slots a question is asked about."""
        first, last = int(table.first[question.first]), int(table.first[question.last])
        if index is None:
            return range(max(first, last - self.max_facts) if self.max_facts else first, last)
        words = coding.encode(coding.split(question.text))
        return index.find(words, first, last, self.max_facts).tolist() or [table.nothing]

    def num_questions(self, split: str) -> int:
        """How many questions a split has."""
        return len(self.split(split))

    def split(self, name: str) -> tuple[Asked, ...]:
        """The questions of a split as they were read."""
        if self._told is None:
            raise RuntimeError("the data is read by setup()")
        return self._told.splits[name]

    def train_dataloader(self) -> ResumableLoader:
        """Training questions in an order of chance."""
        plan = FactBuckets(
            self._datasets["train"].num_facts(),
            bounds=self.buckets,
            batch_size=self.batch_size,
            seed=self.seed,
        )
        return self._loader("train", plan)

    def val_dataloader(self) -> ResumableLoader | list[QuestionBatch]:
        """Validation questions by number of facts; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[QuestionBatch]:
        """Test questions by number of facts; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[QuestionBatch]:
        if not self.num_questions(split):
            log.warning("the %s split has no question here, so nothing is measured on it", split)
            return []
        counts = self._datasets[split].num_facts().tolist()
        return self._loader(split, SortedTokens(counts, counts, batch_tokens=_EVALUATION_FACTS))

    def _loader(self, split: str, plan: Plan) -> ResumableLoader:
        dataset = self._datasets[split]
        return ResumableLoader(dataset, plan, dataset.collate, num_workers=self.num_workers)

    def transfer_batch_to_device(
        self, batch: QuestionBatch, device: torch.device, dataloader_idx: int
    ) -> QuestionBatch:
        """The tensors of a batch on a device; Lightning would look at every text of it, too."""
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name, value in batch._asdict().items()
            if isinstance(value, torch.Tensor)
        }
        return batch._replace(**moved)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """None: all that can be wrong with text shows when it is read.

        Raises:
            DataError: as `setup` does.
        """
        self.setup()
        if on_progress is not None:
            total = sum(map(self.num_questions, SPLITS))
            on_progress(total, total)
        return []


def _chosen(task: str | int | Sequence[str | int], known: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the tasks that are meant, in the order of the data set.

    Raises:
        ValueError: there is no such task.
    """
    if task == "all":
        return known
    wanted = [task] if isinstance(task, str | int) else list(task)
    names = {**{str(number): name for number, name in enumerate(known, start=1)}}
    names.update({name: name for name in known})
    unknown = [str(each) for each in wanted if str(each) not in names]
    if unknown or not wanted:
        given = ", ".join(unknown) or "empty"
        allowed = f"all, 1 to {len(known)}, or {', '.join(known)}; or a list such as [1,2]"
        raise ValueError(f"task is {given}, and has to be {allowed}")
    meant = {names[str(each)] for each in wanted}
    return tuple(name for name in known if name in meant)


def _told_facts(asked: Sequence[Asked]) -> Iterator[int]:
    """Numbers of the facts before some questions, each once."""
    end = 0
    for first, last in sorted({(question.first, question.last) for question in asked}):
        yield from range(max(first, end), last)
        end = max(end, last)


def _hash(told: Told) -> str:
    """Of the questions of each split, and of what was told before them."""
    facts = hashlib.sha256("\n".join(told.facts).encode()).hexdigest()
    digest = hashlib.sha256(facts.encode())
    for name in SPLITS:
        for q in told.splits[name]:
            line = "\t".join((q.example_id, f"{q.first} {q.last}", q.text, *q.answers))
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()
