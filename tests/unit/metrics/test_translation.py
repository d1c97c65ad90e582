"""Scores of translations against sacrebleu itself and values worked by hand."""

from typing import Any

import pytest
import sacrebleu
import torch
from torch import Tensor

from seqlab.metrics.translation import TranslationScores, bleu_by_length

RECORDS: list[tuple[str, list[str]]] = [
    ("The cat sat on the mat.", ["The cat sat on a mat.", "A cat sat on the mat."]),
    ("two Dogs run, fast", ["Two dogs run fast!"]),
    ("", ["Nothing was said."]),
    ("A man's hat", ["A man's hat"]),
    ("ein kleiner Hund läuft über die Wiese", ["ein kleiner Hund rennt über die grüne Wiese"] * 3),
]


def words(text: str) -> list[str]:
    """A tokeniser: full stops and commas are words of their own."""
    return text.replace(".", " .").replace(",", " ,").split()


def scored(records: list[tuple[str, list[str]]], **settings: Any) -> TranslationScores:
    scores = TranslationScores(tokenise=words, **settings)
    scores.update(*zip(*records, strict=True))
    return scores


def test_scores_are_those_of_sacrebleu() -> None:
    found = scored(RECORDS).compute()
    hypotheses = [text for text, _ in RECORDS]
    streams = [[texts[n] if n < len(texts) else None for _, texts in RECORDS] for n in range(3)]
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(hypotheses, streams).score)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(hypotheses, streams).score)
    assert found["ter"] == pytest.approx(sacrebleu.corpus_ter(hypotheses, streams).score)

    def lower(text: str | None) -> str | None:
        return None if text is None else " ".join(words(text.lower()))

    lowered = [[lower(text) for text in stream] for stream in streams]
    expected = sacrebleu.corpus_bleu(
        [lower(text) for text in hypotheses], lowered, tokenize="none", force=True
    )
    assert found["bleu_tokenised_lower"] == pytest.approx(expected.score)
    assert found["bleu_tokenised_lower"] > found["bleu"]
    assert found["exact_match"] == 1 / 5


def test_bleu_worked_by_hand() -> None:
    found = scored([("the cat sat on the mat", ["the cat sat on a mat"])]).compute()
    # 5 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 quadruples are right; as long as it.
    expected = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4)
    assert found["bleu"] == pytest.approx(expected)
    assert found["bleu_tokenised_lower"] == pytest.approx(expected)
    assert found["ter"] == pytest.approx(100 / 6)  # one word exchanged
    shorter = scored([("the cat sat on", ["the cat sat on a mat"])]).compute()
    assert shorter["bleu"] == pytest.approx(100 * torch.tensor(1 - 6 / 4).exp().item())


def test_signatures_are_of_what_was_computed() -> None:
    scores = scored(RECORDS[:1], ter=False)
    assert scores.signature() == {}
    assert set(scores.compute()) == {"bleu", "bleu_tokenised_lower", "chrf", "exact_match"}
    scores.reset()  # a task asks for them after the epoch
    version = f"version:{sacrebleu.__version__}"
    assert scores.signature() == {
        "bleu": f"nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|{version}",
        "bleu_tokenised_lower": f"nrefs:2|case:lc|eff:no|tok:none|smooth:exp|{version}",
        "chrf": f"nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no|{version}",
    }
    scores = scored(RECORDS)
    scores.compute()
    assert scores.signature()["ter"].startswith("nrefs:var|case:lc|tok:tercom")


def test_odd_corpora() -> None:
    empty = scored([("", ["a b"])]).compute()
    assert empty == {
        "bleu": 0.0,
        "bleu_tokenised_lower": 0.0,
        "chrf": 0.0,
        "ter": 100.0,
        "exact_match": 0.0,
    }
    same = scored([(" a b c d e ", ["x", "a b c d e"])]).compute()
    assert same["bleu"] == pytest.approx(100)
    assert same["exact_match"] == 1.0
    assert same["ter"] == 0.0
    nothing = TranslationScores(tokenise=str.split)
    nothing.update([], [])
    with pytest.raises(ValueError, match="no translations"):
        nothing.compute()


def test_errors_name_what_is_wrong() -> None:
    scores = TranslationScores(tokenise=str.split)
    with pytest.raises(ValueError, match="1 hypotheses and 2 lists"):
        scores.update(["a"], [["a"], ["b"]])
    with pytest.raises(ValueError, match="'a' needs a list of references, got 'b'"):
        scores.update(["a"], ["b"])
    with pytest.raises(ValueError, match="needs a list of references"):
        scores.update(["a"], [[]])


def test_batches_and_their_order_change_nothing() -> None:
    scores = TranslationScores(tokenise=words)
    for text, texts in reversed(RECORDS):
        scores.update([text], [texts])
    assert scores.compute() == scored(RECORDS).compute()


@pytest.mark.parametrize("share", [0, 2, 5])
def test_processes_share_their_sentences(share: int) -> None:
    other = TranslationScores(tokenise=words)
    if share < len(RECORDS):
        other.update(*zip(*RECORDS[share:], strict=True))
    rest = torch.cat(other.records) if other.records else torch.zeros(0, dtype=torch.uint8)

    def gather(tensor: Tensor, group: Any) -> list[Tensor]:
        assert tensor.dtype == torch.uint8  # also of a process that has none
        return [tensor, rest]

    scores = TranslationScores(
        tokenise=words, dist_sync_fn=gather, distributed_available_fn=lambda: True
    )
    if share:
        scores.update(*zip(*RECORDS[:share], strict=True))
    else:
        scores.update([], [])
    assert scores.compute() == scored(RECORDS).compute()


def test_bleu_by_length_is_bleu_of_the_sentences_of_a_length() -> None:
    lengths = [3, 12, 4, 11, 30]
    hypotheses = ["a b c d", "e f g h i", "k l m n x", "o p q r", "s t"]
    references = [["a b c d"], ["e f g h j", "e f g h i"], ["k l m n o"], ["o p q s"], ["u v"]]
    found = bleu_by_length(lengths, hypotheses, references, most=4)
    assert [(b.shortest, b.longest, b.num_sentences) for b in found] == [
        (1, 10, 2),
        (11, 20, 2),
        (21, 30, 1),
    ]
    streams = [["a b c d", "k l m n o"]]
    expected = sacrebleu.corpus_bleu(["a b c d", "k l m n x"], streams).score
    assert found[0].bleu == pytest.approx(expected)
    assert found[2].bleu == 0.0
    finer = bleu_by_length(lengths, hypotheses, references, most=8)
    assert [(b.shortest, b.longest) for b in finer] == [(1, 5), (11, 15), (26, 30)]
    assert [b[:3] for b in bleu_by_length([7, 7], ["a", "b"], [["a"], ["b"]])] == [(7, 7, 2)]
    assert [b[:2] for b in bleu_by_length([1, 5000], ["a"] * 2, [["a"]] * 2)] == [(1, 5000)]
    assert bleu_by_length([], [], []) == []
