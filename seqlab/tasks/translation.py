"""Say a sentence in another language."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch.optim import Optimizer

from seqlab.components.decoding.interface import Search
from seqlab.components.losses import sequence_nll
from seqlab.config.errors import Problem, UserError
from seqlab.data.batches import TranslationBatch
from seqlab.data.spec import TranslationSpec
from seqlab.data.text_coding import TextCoding
from seqlab.metrics.likelihood import Likelihood
from seqlab.metrics.translation import TranslationScores, bleu_by_length
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel
from seqlab.tasks import generation
from seqlab.tasks.base import Hypothesis, Outcome, Prediction, Schedule, Task
from seqlab.tasks.objectives import objective, refuse_unknown_weights
from seqlab.tasks.translated import Translated, nothing_to_copy, render
from seqlab.viz.length_scores import length_figure


class TranslationTask(Task):
    """Maximum likelihood of translations, and their scores as sacrebleu computes them.

    Args:
        model: a translation model.
        spec: both languages, and how their lines become tokens.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        decoding: how translations are searched for, in validation and test.
        auxiliary_weights: weights of auxiliary terms of the model by name, instead of the paper's.
        label_smoothing: share of the target's probability that training spreads evenly over the
            vocabulary (Szegedy et al., 2016); 0 in the papers of recurrent translation.
        replace_unknown: whether an unknown word may be written, and is replaced by the source word
            that was attended most (Luong et al., 2015); otherwise none is ever written.
        num_figures: of how many sentences an evaluation draws the alignment, from the first on.
    """

    interface: ClassVar = TranslationModel
    batch_type: ClassVar = TranslationBatch
    supplied_sizes: ClassVar = frozenset({"source_vocab_size", "target_vocab_size", "pad_id"})
    monitor: ClassVar[str] = "val/bleu"
    mode: ClassVar[Literal["min", "max"]] = "max"
    reads_lines: ClassVar = True
    example_input: ClassVar = "sentences.txt"

    def __init__(
        self,
        *,
        model: TranslationModel,
        spec: TranslationSpec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        decoding: Search,
        auxiliary_weights: dict[str, float],
        label_smoothing: float,
        replace_unknown: bool,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        if not 0 <= label_smoothing < 1:
            raise UserError(
                [
                    Problem(
                        key="task.label_smoothing",
                        given=str(label_smoothing),
                        message="it is a share, from 0 to below 1",
                    )
                ]
            )
        refuse_unknown_weights(model, auxiliary_weights)
        nothing = Sentences(torch.tensor([[spec.end_id]]), torch.tensor([1]))
        if replace_unknown and not generation.attends(model, nothing):
            raise nothing_to_copy()
        if decoding.needs_attention:
            generation.refuse_without_attention(model, nothing)
        self.model: TranslationModel
        self.spec: TranslationSpec
        self.source_coding = TextCoding.from_json(spec.source_text)
        self.target_coding = TextCoding.from_json(spec.target_text)
        self.decoding = decoding
        self.auxiliary_weights = auxiliary_weights
        self.label_smoothing = label_smoothing
        self.replace_unknown = replace_unknown
        self.num_figures = num_figures
        self.likelihood = Likelihood()
        tokenise = self.target_coding.tokeniser.split
        # TER takes longer than all other scores: worth it once, at the test.
        self.scores = TranslationScores(tokenise=tokenise, ter=False)
        self.final_scores = TranslationScores(tokenise=tokenise, ter=True)
        self._to_draw: dict[str, Translated] = {}

    @staticmethod
    def sizes(spec: TranslationSpec) -> dict[str, Any]:
        return {
            "source_vocab_size": len(TextCoding.from_json(spec.source_text)),
            "target_vocab_size": len(TextCoding.from_json(spec.target_text)),
            "pad_id": spec.pad_id,
        }

    def example_ids(self, batch: TranslationBatch) -> Sequence[str]:
        return batch.example_ids

    def batch_size(self, batch: TranslationBatch) -> int:
        return len(batch.tokens)

    def _teach(self, batch: TranslationBatch) -> TeacherForced:
        source = Sentences(batch.source, batch.source_lengths)
        return self.model(source, batch.tokens, batch.lengths)

    def train_batch(self, batch: TranslationBatch) -> Outcome:
        forced = self._teach(batch)
        nll = sequence_nll(
            forced.logits, batch.tokens[:, 1:], batch.lengths, smoothing=self.label_smoothing
        )  # [B]
        return objective(nll, forced.auxiliary, batch.lengths.sum(), self.auxiliary_weights)

    def translate(self, texts: Sequence[str], source: Sentences) -> Iterator[Translated]:
        """Search for translations of lines, whose tokens are the source."""
        found = generation.find(
            self.decoding, self.model, source, self.spec, may_be_unknown=self.replace_unknown
        )
        return render(
            texts,
            source,
            found,
            source_coding=self.source_coding,
            target_coding=self.target_coding,
            copies_unknown=self.replace_unknown,
        )

    def _evaluate(
        self, batch: TranslationBatch, batch_index: int, scores: TranslationScores
    ) -> list[Translated]:
        """Score a batch; what was said of it."""
        source = Sentences(batch.source, batch.source_lengths)
        forced = self._teach(batch)
        translated = list(self.translate(batch.source_texts, source))
        if not self.is_repeated(batch_index):
            self.likelihood.update(forced.logits, batch.tokens, batch.lengths)
            scores.update([each.text for each in translated], batch.references)
        return translated

    def _finish(self, split: str, scores: TranslationScores) -> None:
        values = {**self.likelihood.compute(), **scores.compute()}
        # Every rank has synchronised already and holds the same numbers.
        self.log_dict({f"{split}/{name}": float(value) for name, value in values.items()})
        self.likelihood.reset()
        scores.reset()

    def validation_step(self, batch: TranslationBatch, batch_index: int) -> None:
        self._evaluate(batch, batch_index, self.scores)

    def on_validation_epoch_end(self) -> None:
        self._finish("val", self.scores)

    def on_test_epoch_start(self) -> None:
        self.predictions, self._to_draw = [], {}

    def test_step(self, batch: TranslationBatch, batch_index: int) -> None:
        translated = self._evaluate(batch, batch_index, self.final_scores)
        for name, each, references in zip(
            batch.example_ids, translated, batch.references, strict=True
        ):
            self.predictions.append(
                {
                    "id": name,
                    "source": each.source,
                    "translation": each.text,
                    "log_probability": round(each.ranked[0].log_probability, 4),
                    "references": list(references),
                    "n_best": [hypothesis._asdict() for hypothesis in each.ranked[1:]],
                }
            )
            # The longest come first in evaluation; the first of the split are as good as any.
            if each.weights is not None and _line(name) <= self.num_figures:
                self._to_draw[name] = each

    def on_test_epoch_end(self) -> None:
        self._finish(self.evaluated_split, self.final_scores)
        self.predictions.sort(key=lambda each: _line(each["id"]))

    def signatures(self) -> dict[str, str]:
        return {f"{n}_signature": text for n, text in self.final_scores.signature().items()}

    def draw(self, folder: Path) -> list[Path]:
        written = []
        for name, each in sorted(self._to_draw.items(), key=lambda item: _line(item[0])):
            written.append(folder / f"alignment_{name.replace(':', '_')}.png")
            each.draw(written[-1])
        # Several processes translated a share each; the curve of one would pass for that of all.
        if self.predictions and self.trainer.world_size == 1:
            written.append(folder / "bleu_by_length.png")
            self._draw_lengths(written[-1])
        return written

    def _draw_lengths(self, path: Path) -> None:
        buckets = bleu_by_length(
            [len(self.source_coding.tokeniser.split(each["source"])) for each in self.predictions],
            [each["translation"] for each in self.predictions],
            [each["references"] for each in self.predictions],
        )
        length_figure(
            [(bucket.shortest, bucket.longest) for bucket in buckets],
            [bucket.bleu for bucket in buckets],
            [bucket.num_sentences for bucket in buckets],
            path,
            overall=float(self.trainer.callback_metrics[f"{self.evaluated_split}/bleu"]),
        )

    @torch.inference_mode()
    def predict_inputs(
        self,
        inputs: Iterator[str],
        datamodule: Any,
        output: Path,
        *,
        batch_size: int,
        figures: bool,
    ) -> Iterator[Prediction]:
        """Translate lines, `batch_size` at a time; the figure of line 7 is `7.png` in `output`.

        The answer to a line without words is one without words.
        """
        number = 0
        while lines := list(islice(inputs, batch_size)):
            translated = self._translate([line for line in lines if line])
            for line in lines:
                number += 1
                if not line:
                    yield Prediction(line, (Hypothesis("", 0.0, 0.0),), None)
                    continue
                each, figure = next(translated), None
                if figures and each.weights is not None and each.words:
                    figure = output / f"{number}.png"
                    each.draw(figure)
                yield Prediction(each.source, each.ranked, figure)

    def _translate(self, lines: Sequence[str]) -> Iterator[Translated]:
        if lines:
            yield from self.translate(lines, self._read(lines))

    def _read(self, lines: Sequence[str]) -> Sentences:
        rows = [[*self.source_coding.encode(line), self.spec.end_id] for line in lines]
        longest = max(map(len, rows))
        padded = [row + [self.spec.pad_id] * (longest - len(row)) for row in rows]
        tokens = torch.tensor(padded, device=self.device)  # [B, S]
        return Sentences(tokens, torch.tensor([len(row) for row in rows], device=self.device))


def _line(name: str) -> int:
    """The line of an example named such as `test:17`."""
    return int(name.rpartition(":")[2])
