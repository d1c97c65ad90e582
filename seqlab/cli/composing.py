"""What the verbs that compose a config have in common."""

import os
from collections.abc import Sequence

from seqlab.config.compose import Composed, resolve
from seqlab.config.errors import UserError
from seqlab.config.validate import validate


def calm_threads() -> None:
    """Let idle threads of OpenMP sleep, unless the user wants otherwise.

    They spin by default, which on a shared machine takes the cores from other processes. The
    library reads it when torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def checked(verb: str, overrides: Sequence[str]) -> Composed:
    """The config of a verb, sound as far as can be known.

    Raises:
        UserError: all that is wrong with it.
    """
    composed = resolve(verb, overrides)
    problems = [*composed.problems, *validate(composed.config)]
    if problems:
        raise UserError(problems)
    return composed
