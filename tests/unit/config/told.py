"""What is said of a config."""

from seqlab.config.compose import resolve
from seqlab.config.errors import render
from seqlab.config.validate import validate


def problems(verb: str, *overrides: str) -> str:
    """The texts of all that is wrong with the config of a command; empty where nothing is."""
    composed = resolve(verb, overrides)
    return render([*composed.problems, *validate(composed.config)])
