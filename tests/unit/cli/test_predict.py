"""`seqlab predict` as it is typed: its help word for word, and its flag."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from seqlab.cli import composing
from seqlab.cli.main import main

Capture = pytest.CaptureFixture[str]

HELP = """\
usage: seqlab predict run=DIR [input=FILES] [--alignments] [KEY=VALUE ...]

Use a trained run on files, sentences or stories of your own.
Prints what the model says of each input. predictions.txt keeps the best answers, one a line beside
the lines of the input; predictions.jsonl all that is known of each: scores, n-best lists, figures.

  run=[DIR,DIR,...]   an ensemble, as in seqlab eval
  input=FILES         images: a file, a folder or a pattern in quotes
                      text: a file of lines, one sentence each, .gz too
                      stories: a fact a line; a line that ends in ? asks about the facts so far,
                      an empty one begins a new story; files of bAbI too
                      -: what you type or a pipe brings: lines, or names of images
                      (without it, lines are asked for at a terminal)
  --alignments        draw what was attended to, source words or facts; short for figures=true
                      (images are always drawn, but with figures=false)
  output=DIR          where predictions and figures go, instead of the run's own folder
                      (of an ensemble: runs/TASK/ensembles/...)
  checkpoint=best     or last, or the path of a checkpoint
  decoding=NAME       another search than the run's own
  inference=sliding   images in windows, or with inference.flip=true mirrored too
  decoding.num_best=5 with decoding=beam: the five best answers, each with its score
  batch_size=16       inputs handled at once; one where you type

examples:
  seqlab predict run=DIR input='photos/*.jpg'                           captions of photographs
  seqlab predict run=DIR input=sentences.txt --alignments               with figures
  seqlab predict run=DIR input=-                                        type sentences; Ctrl-D ends
  echo 'a dog runs' | seqlab predict run=DIR input=-                    one sentence
  seqlab predict run=DIR input=a.txt decoding=beam decoding.num_best=5  n-best
  seqlab predict run=[DIR1,DIR2] input=sentences.txt                    an ensemble
  seqlab predict run=DIR                                                tell a story and ask
"""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configs that predictions were made of, in place of making them."""
    calls: list[Any] = []
    fake = SimpleNamespace(predict=calls.append)
    monkeypatch.setitem(sys.modules, "seqlab.run.predict", fake)
    monkeypatch.setattr(composing, "validate", lambda config: [])
    return calls


def test_help(capsys: Capture) -> None:
    assert main(["predict", "--help"]) == 0
    assert capsys.readouterr().out == HELP


@pytest.mark.parametrize(
    ("words", "figures"),
    [([], None), (["--alignments"], True), (["figures=false"], False), (["figures=true"], True)],
)
def test_alignments_are_figures(words: list[str], figures: bool | None, called: list[Any]) -> None:
    assert main(["predict", "run=r", *words, "input=a.txt"]) == 0
    (config,) = called
    assert config.figures is figures
    assert config.input == "a.txt"


def test_another_flag(called: list[Any], capsys: Capture) -> None:
    assert main(["predict", "run=r", "input=a.txt", "--alignment"]) == 2
    assert capsys.readouterr().err == (
        "1 problem:\n\n"
        "--alignment: seqlab predict takes no such flag; it takes KEY=VALUE, --alignments and "
        "--help\n  did you mean: --alignments?\n"
    )
    assert main(["eval", "run=r", "--alignments"]) == 2  # it draws without being asked
    assert "seqlab eval takes no such flag" in capsys.readouterr().err
    assert called == []
