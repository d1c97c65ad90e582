"""Use a run on what a person has."""

import json
import math
import sys
from pathlib import Path

import torch
from lightning.fabric import Fabric
from omegaconf import DictConfig, OmegaConf
from rich.text import Text

from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import prepare_torch, reassemble
from seqlab.run.environment import sound_threads
from seqlab.run.inputs import TYPED, find_files, is_typed, read_lines
from seqlab.run.members import answers_of, exchange_parts, read_members
from seqlab.run.rundir import atomic_write
from seqlab.run.screen import Screen
from seqlab.tasks.base import Prediction, Task


def predict(config: DictConfig) -> list[Prediction]:
    """Answer each input, show the answers and keep them, with their figures.

    Of several runs their ensemble answers. Where it ends early the answers so far are kept.

    Args:
        config: a validated config of `seqlab predict`.

    Raises:
        UserError: there is no such checkpoint or no such input, an input that nobody types has no
            answer, or several runs do not fit each other.
        KeyboardInterrupt: a person has ended it.
    """
    prepare_torch(threads=config.threads or sound_threads())
    saved = read_members(config)
    exchange_parts(config, saved[0])
    output = answers_of(config, saved)
    parts = reassemble(saved, data_dir=config.paths.data, with_data=False)
    accelerator = config.trainer.accelerator
    task = parts.task.to(Fabric(accelerator=accelerator, devices=1).device).eval()
    figures = not task.reads_lines if config.figures is None else config.figures
    given = TYPED if OmegaConf.is_missing(config, "input") else config.input
    typed = is_typed(given)
    if typed:
        print(_invitation(task), file=sys.stderr)
    inputs = read_lines(given) if task.reads_lines else iter(find_files(given))
    # Who types waits for an answer to each line.
    batch_size = 1 if typed else config.batch_size
    screen = Screen()
    answers: list[Prediction] = []
    try:
        with torch.inference_mode():
            for answer in task.predict_inputs(
                inputs, parts.datamodule, output, batch_size=batch_size, figures=figures
            ):
                if answer.hypotheses:
                    answers.append(answer)
                elif not typed:
                    raise _without_answer(answer)
                screen.console.print(_shown(answer, with_source=not (typed and task.reads_lines)))
                if answer.table is not None:
                    screen.table(answer.table)
    finally:
        if answers:
            _keep(answers, output)
            number = "1 answer is" if len(answers) == 1 else f"{len(answers)} answers are"
            place = output / "predictions.txt"
            screen.line(f"{number} in {place}, with scores and more in predictions.jsonl beside it")
    if not answers:
        screen.line(f"nothing was answered; {task.how_to_type}")
    elif config.figures and all(answer.figure is None for answer in answers):
        screen.line(f"no figure was drawn: {_why_no_figure(answers)}")
    return answers


def _why_no_figure(answers: list[Prediction]) -> str:
    if any(answer.hypotheses[0].text for answer in answers):
        return "the model has no attention to show"
    return "no answer has a word"


def _invitation(task: Task) -> str:
    if task.reads_lines:
        return f"{task.how_to_type}; Ctrl-D ends"
    return "type names of files, one a line; Ctrl-D ends, and they are answered"


def _without_answer(answer: Prediction) -> UserError:
    return UserError(
        [Problem(key="input", given=answer.source, message=note) for note in answer.notes]
    )


def _shown(answer: Prediction, *, with_source: bool) -> Text:
    if not answer.source:
        return Text("(an empty line)", style="dim")
    blocks = [Text(answer.source, "dim")] if with_source else []
    for rank, hypothesis in enumerate(answer.hypotheses):
        block = Text.assemble("  ", (hypothesis.text, "" if rank else "bold"))
        if hypothesis.log_probability is not None:
            likelihood = _likelihood(hypothesis.log_probability, is_choice=answer.is_choice)
            block.append(f"   {likelihood}", style="dim")
        if len(answer.hypotheses) > 1 and not answer.is_choice:
            block.append(f"   score {hypothesis.score:.2f}", style="dim")
        blocks.append(block)
    if answer.figure is not None:
        blocks.append(Text(f"  {answer.figure}", "cyan"))
    blocks += [Text(f"  {note}", "yellow") for note in answer.notes]
    return Text("\n").join(blocks)


def _likelihood(log_probability: float, *, is_choice: bool) -> str:
    if is_choice:
        return f"probability {math.exp(log_probability):.3f}"
    return f"log-probability {log_probability:.2f}"


def _keep(answers: list[Prediction], folder: Path) -> None:
    """Write the answers with all that is known of them, and as plain lines."""
    rows = [
        {
            "source": answer.source,
            **answer.hypotheses[0]._asdict(),
            "n_best": [hypothesis._asdict() for hypothesis in answer.hypotheses[1:]],
            "figure": None if answer.figure is None else str(answer.figure),
            **(answer.record or {}),
        }
        for answer in answers
    ]
    records = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    atomic_write(folder / "predictions.jsonl", records)
    texts = "".join(f"{answer.hypotheses[0].text}\n" for answer in answers)
    atomic_write(folder / "predictions.txt", texts)
