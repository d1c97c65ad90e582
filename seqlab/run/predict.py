"""Use a run on what a person has."""

import glob
import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from omegaconf import DictConfig, OmegaConf
from rich.text import Text

from seqlab.config.errors import Problem, UserError
from seqlab.run.assemble import prepare_torch, reassemble
from seqlab.run.environment import sound_threads
from seqlab.run.members import answers_of, read_members
from seqlab.run.rundir import atomic_write
from seqlab.run.screen import Screen
from seqlab.tasks.base import Prediction


def predict(config: DictConfig) -> list[Prediction]:
    """Answer each input, show the answers and keep them, with their figures.

    Of several runs their ensemble answers.

    Args:
        config: a validated config of `seqlab predict`.

    Raises:
        UserError: there is no such checkpoint or no such input, or several runs do not fit each
            other.
    """
    prepare_torch(threads=config.threads or sound_threads())
    saved = read_members(config)
    if config.decoding is not None:
        saved[0].config.task.decoding = OmegaConf.to_container(config.decoding, resolve=True)
    output = answers_of(config, saved)
    parts = reassemble(saved, data_dir=config.paths.data, with_data=False)
    accelerator = config.trainer.accelerator
    task = parts.task.to(Fabric(accelerator=accelerator, devices=1).device).eval()
    inputs = read_lines(config.input) if task.reads_lines else iter(find_files(config.input))
    # Who types waits for an answer to each line.
    batch_size = 1 if config.input == "-" and sys.stdin.isatty() else config.batch_size
    screen = Screen()
    answers = []
    figures = not task.reads_lines if config.figures is None else config.figures
    with torch.inference_mode():
        for answer in task.predict_inputs(
            inputs, parts.datamodule, output, batch_size=batch_size, figures=figures
        ):
            answers.append(answer)
            screen.console.print(_shown(answer))
    _keep(answers, output)
    screen.line(f"{len(answers)} answers are in {output / 'predictions.jsonl'}")
    return answers


def find_files(given: str) -> list[str]:
    """The files that a person means by a file, a folder, a glob, or `-` for standard input.

    Raises:
        UserError: nothing is there.
    """
    if given == "-":
        found = [line.strip() for line in sys.stdin if line.strip()]
    elif Path(given).is_dir():
        found = sorted(str(path) for path in Path(given).iterdir() if path.is_file())
    else:
        matches = glob.glob(given, recursive=True)  # noqa: PTH207, it takes absolute patterns
        found = sorted({path for path in matches if Path(path).is_file()})
        found = found or ([given] if Path(given).is_file() else [])
    if not found:
        raise UserError([Problem(key="input", given=given, message="there is no such file")])
    return found


def read_lines(given: str) -> Iterator[str]:
    """The lines of the files that a person means, or of standard input as they come.

    A line without words is one too, so that the answers stand line by line beside the input.

    Raises:
        UserError: there is no such file, or a line is not UTF-8.
    """
    if given == "-":
        yield from _lines(sys.stdin.buffer, "standard input")
        return
    for path in find_files(given):
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as file:
            yield from _lines(file, path)


def _lines(file: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            message = f"line {number} is not UTF-8: {error.reason}"
            raise UserError([Problem(key="input", given=name, message=message)]) from error


def _shown(answer: Prediction) -> Text:
    text = Text.assemble((answer.source, "dim"))
    for rank, hypothesis in enumerate(answer.hypotheses):
        text.append(f"\n  {hypothesis.text}", style="" if rank else "bold")
        text.append(f"   log-probability {hypothesis.log_probability:.2f}", style="dim")
        if len(answer.hypotheses) > 1:
            text.append(f"   score {hypothesis.score:.2f}", style="dim")
    if answer.figure is not None:
        text.append(f"\n  {answer.figure}", style="cyan")
    return text


def _keep(answers: list[Prediction], folder: Path) -> None:
    """Write the answers with all that is known of them, and as plain lines."""
    rows = [
        {
            "source": answer.source,
            **answer.hypotheses[0]._asdict(),
            "n_best": [hypothesis._asdict() for hypothesis in answer.hypotheses[1:]],
            "figure": None if answer.figure is None else str(answer.figure),
        }
        for answer in answers
    ]
    records = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    atomic_write(folder / "predictions.jsonl", records)
    texts = "".join(f"{answer.hypotheses[0].text}\n" for answer in answers)
    atomic_write(folder / "predictions.txt", texts)
