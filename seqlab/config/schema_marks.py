"""What the schemas of all verbs are written with; nothing is imported but the standard library."""

from dataclasses import dataclass
from typing import Any

MISSING: Any = "???"  # OmegaConf's mark of a value that has to be given
TEXTS = {"texts": True}  # marks a key that takes a text or a list; OmegaConf knows no such type
ONE_OF = "one_of"  # marks a key that takes one of a few words


@dataclass
class Paths:
    """Where things lie; the environment variables SEQLAB_DATA and SEQLAB_RUNS move them."""

    data: str = "${oc.env:SEQLAB_DATA,./data}"
    runs: str = "${oc.env:SEQLAB_RUNS,./runs}"
    cache: str = "${paths.runs}/.cache"
