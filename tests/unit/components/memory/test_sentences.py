"""Sentence encodings against loops over words, tables and numbers of a vector."""

import numpy as np
import pytest
import torch

from seqlab.components.memory.answers import score_words
from seqlab.components.memory.bag_of_ngrams import BagOfNgrams
from seqlab.components.memory.bag_of_words import BagOfWords
from seqlab.components.memory.position_encoding import PositionEncoding
from seqlab.components.memory.sentences import SentenceEncoding

VOCABULARY, PAD, DIM, TABLES = 9, 0, 5, 3
# Two stories of three facts; with padding after the words, between stories and without any word.
SENTENCES = torch.tensor(
    [[[3, 4, 5, 3], [8, 1, 0, 0], [7, 0, 0, 0]], [[2, 2, 6, 0], [0, 0, 0, 0], [1, 2, 3, 4]]]
)


def build(name: str) -> SentenceEncoding:
    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "pad_id": PAD, "embedding_dim": DIM, "num_tables": TABLES}
    if name == "ngrams":
        return BagOfNgrams(longest_run=3, num_buckets=50, **sizes).double()
    return {"bow": BagOfWords, "position": PositionEncoding}[name](**sizes).double()


def words_of(sentence: torch.Tensor) -> list[int]:
    return [word for word in sentence.tolist() if word != PAD]


@pytest.mark.parametrize("name", ["bow", "position"])
def test_sum_over_words(name: str) -> None:
    encoding = build(name)
    encoded = encoding(SENTENCES)
    assert encoded.shape == (2, 3, TABLES, DIM)
    for story in range(2):
        for fact in range(3):
            words = words_of(SENTENCES[story, fact])
            for table in range(TABLES):
                A = encoding.words(table).detach().numpy()
                expected = np.zeros(DIM)
                J, d = len(words), DIM
                for j, word in enumerate(words, 1):
                    for k in range(1, d + 1):
                        l_kj = 1 + 4 * (k - (d + 1) / 2) * (j - (J + 1) / 2) / (d * J)
                        expected[k - 1] += (l_kj if name == "position" else 1) * A[word, k - 1]
                given = encoded[story, fact, table].detach()
                np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-7)


def test_position_weights_are_twice_those_of_the_paper() -> None:
    """Section 4.1, up to where words and numbers are counted from, which vanishes as both grow."""
    d = J = 400
    encoding = PositionEncoding(vocab_size=J + 1, pad_id=0, embedding_dim=d, num_tables=1).double()
    with torch.no_grad():
        encoding.tables.weight.zero_()
    k = np.arange(1, d + 1)
    for j in (1, 150, 399):
        with torch.no_grad():
            encoding.tables.weight.zero_()[j] = 1.0
        weights = encoding(torch.arange(1, J + 1))[0].detach().numpy()
        paper = (1 - j / J) - (k / d) * (1 - 2 * j / J)
        np.testing.assert_allclose(weights, 2 * paper, atol=6 / J)


def test_position_encoding_knows_the_order() -> None:
    encoding = build("position")
    one, two = encoding(torch.tensor([[3, 4, 5], [5, 4, 3]]))
    assert not torch.allclose(one, two)
    torch.testing.assert_close(*build("bow")(torch.tensor([[3, 4, 5], [5, 4, 3]])))


def test_ngrams_are_the_rows_of_all_runs() -> None:
    encoding = build("ngrams")
    table = encoding.tables.weight.detach()
    encoded = encoding(SENTENCES)

    def row(*run: int) -> torch.Tensor:
        rows = encoding.runs(torch.tensor(run), len(run))
        assert rows.shape == (1,)
        assert VOCABULARY <= rows.item() < VOCABULARY + 50
        return table[rows.item()]

    expected = table[3] * 2 + table[4] + table[5] + row(3, 4) + row(4, 5) + row(5, 3)
    expected = expected + row(3, 4, 5) + row(4, 5, 3)
    torch.testing.assert_close(encoded[0, 0], expected)
    torch.testing.assert_close(encoded[0, 1], table[8] + table[1] + row(8, 1))
    torch.testing.assert_close(encoded[0, 2], table[7])
    assert not torch.equal(row(3, 4), row(4, 3))


def test_runs_are_spread_over_the_buckets() -> None:
    """As many different rows as random ones would have, of all pairs of 40 words."""
    encoding = BagOfNgrams(
        vocab_size=41, pad_id=0, embedding_dim=1, num_tables=1, longest_run=2, num_buckets=8192
    )
    pairs = torch.cartesian_prod(torch.arange(1, 41), torch.arange(1, 41))  # 1600
    distinct = len(encoding.runs(pairs, 2).unique())
    assert distinct > 0.95 * 8192 * (1 - (1 - 1 / 8192) ** 1600)


@pytest.mark.parametrize("name", ["bow", "position", "ngrams"])
def test_padding_further_changes_nothing(name: str) -> None:
    encoding = build(name)
    padded = torch.nn.functional.pad(SENTENCES, (0, 3))
    torch.testing.assert_close(encoding(padded), encoding(SENTENCES))
    assert not encoding(SENTENCES)[1, 1].any()


@pytest.mark.parametrize("name", ["bow", "position", "ngrams"])
def test_vector_of_the_padding_is_0_and_stays_so(name: str) -> None:
    encoding = build(name)
    assert not encoding.words(1)[PAD].any()
    scores = score_words(encoding(SENTENCES)[0, :, 0], encoding.words(1), PAD)
    (encoding(SENTENCES).square().sum() + scores.logsumexp(dim=1).sum()).backward()
    gradient = encoding.tables.weight.grad
    assert not gradient[PAD].any()
    assert gradient[1:VOCABULARY].any(dim=2).all()


@pytest.mark.parametrize("choice", [{"longest_run": 0}, {"num_buckets": 0}])
def test_ngrams_refuse_nothing(choice: dict[str, int]) -> None:
    sizes = {"vocab_size": 5, "pad_id": 0, "embedding_dim": 2, "num_tables": 1}
    with pytest.raises(ValueError, match="at least 1"):
        BagOfNgrams(**sizes, **{"longest_run": 2, "num_buckets": 3, **choice})


def test_words_are_scored_by_their_vectors_and_the_padding_never() -> None:
    found, words = torch.randn(2, 4).double(), torch.randn(5, 4).double()
    scores = score_words(found, words, 3)
    for n in range(2):
        for word in range(5):
            expected = -np.inf if word == 3 else found[n].numpy() @ words[word].numpy()
            np.testing.assert_allclose(scores[n, word], expected, rtol=1e-12)
