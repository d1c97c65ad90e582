"""The `seqlab` command: which verb, and what its end means."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence

from seqlab import __version__
from seqlab.cli import usage
from seqlab.config.errors import Problem, UserError, nearest

DONE, FAILED, MISTAKEN, INTERRUPTED = 0, 1, 2, 130

# Each module has `run(arguments) -> int | None`; it is imported when its verb is asked for.
_MODULES = {
    "train": "seqlab.cli.train",
    "eval": "seqlab.cli.evaluate",
    "predict": "seqlab.cli.predict",
    "features": "seqlab.cli.features",
    "probe": "seqlab.cli.probe",
    "neighbours": "seqlab.cli.neighbours",
    "mine": "seqlab.cli.mine",
    "sweep": "seqlab.cli.sweep",
    "list": "seqlab.cli.listing",
    "check": "seqlab.cli.check",
    "data": "seqlab.cli.data",
    "completion": "seqlab.cli.completion",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: without the program's name; those of the process where it is None.

    Returns:
        The exit status: 0 done, 1 failed, 2 a mistake that the user can mend, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(words)
        sys.stdout.flush()  # a reader that has gone is noticed here, not when Python ends
        return status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of `seqlab list | head` has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        from seqlab.cli import failures

        return failures.show(error)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage.overview())
        return DONE
    if words[0] in ("-V", "--version"):
        print(f"seqlab {__version__}")
        return DONE
    verb, *rest = words
    if verb not in _MODULES:
        raise UserError([_unknown_verb(verb)])
    if any(word in ("-h", "--help") for word in rest):
        print(usage.of(verb))
        return DONE
    run: Callable[[list[str]], int | None] = importlib.import_module(_MODULES[verb]).run
    return run(rest) or DONE


def _unknown_verb(word: str) -> Problem:
    if "=" in word:
        message = "is a setting; the command comes before it"
        return Problem(key=word, message=message, nearest=f"seqlab train {word}")
    message = "is no command of seqlab"
    near = nearest(word, _MODULES)
    return Problem(key=word, message=message, allowed=tuple(_MODULES), nearest=near)
