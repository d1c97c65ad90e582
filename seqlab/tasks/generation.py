"""What every task that generates sequences shares: the search."""

from typing import Any

from seqlab.components.decoding.interface import Hypotheses, Search
from seqlab.models.interfaces import SequenceGenerator


def find(
    search: Search, model: SequenceGenerator, source: Any, spec: Any, *, may_be_unknown: bool
) -> Hypotheses:
    """Sequences that a search finds for the sources of a batch.

    Args:
        search: how it looks.
        model: what it asks.
        source: as the model's `encode` takes it.
        spec: with the numbers of padding, start, end and unknown.
        may_be_unknown: whether the unknown token may be chosen.
    """
    state, memory = model.encode(source)
    banned = (spec.pad_id, spec.start_id, spec.unknown_id)
    return search(
        model.step,
        state,
        memory,
        start_id=spec.start_id,
        end_id=spec.end_id,
        banned_ids=banned[:2] if may_be_unknown else banned,
    )
