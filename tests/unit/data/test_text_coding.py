"""Codings: there and back, of words and of pieces, whatever stands in the text."""

import itertools
import json
import random
from collections import Counter

import pytest

from seqlab.data.codings import BytePairCodings, Coding, Side, WordCodings
from seqlab.data.errors import DataError
from seqlab.data.text_coding import PieceCoding, TextCoding, Tokeniser, WordCoding
from seqlab.data.vocabulary import SPECIALS

PLAIN = Tokeniser("whitespace", "en", lower_case=False)
LINES = (
    "the cat sees the dog",
    "the dogs see the cats",
    "a lower and a newer tower",
    "the newest and the widest",
    "naïve café 二人 <end> </w> @@ a@@b",
)
# Characters that are marks somewhere: of pieces, specials, escapes, other lines' ends.
ALPHABET = "abcdeé二<>/w@&;|#%'\"- ."


def _learn(coding: Coding, tokeniser: Tokeniser = PLAIN) -> tuple[TextCoding, TextCoding]:
    source = Side(tokeniser, [tokeniser.split(line) for line in LINES])
    target = Side(tokeniser, [tokeniser.split(line.upper()) for line in LINES])
    return coding.learn(source, target)


def _pieces(num_pieces: int = 120, joint: bool = False, min_count: int = 2) -> Coding:
    return BytePairCodings(num_pieces=num_pieces, min_count=min_count, joint=joint)


def _random_lines(count: int) -> list[str]:
    chance = random.Random(3)
    lines = ["".join(chance.choices(ALPHABET, k=chance.randint(1, 30))) for _ in range(count)]
    return [" ".join(line.split()) for line in lines if line.split()]


def _learnt_on(coding: Coding, lines: list[str]) -> TextCoding:
    side = Side(PLAIN, [PLAIN.split(line) for line in lines])
    return coding.learn(side, side)[0]


def test_words_by_count_then_spelling() -> None:
    source, target = _learn(WordCodings(min_count=2))
    assert isinstance(source, WordCoding)
    assert source.words == (*SPECIALS, "the", "a", "and")
    assert isinstance(target, WordCoding)
    assert target.words[4:] == ("THE", "A", "AND")
    assert source.encode("the cat and the") == [4, 3, 6, 4]
    assert source.decode([1, 4, 3, 6, 2, 5, 0]) == "the <unknown> and"
    assert source.pieces([4, 3, 2, 4]) == ["the", "<unknown>"]
    assert source.pieces("the cat") == ["the", "cat"]
    assert len(source) == 7


@pytest.mark.parametrize("coding", [WordCodings(min_count=1), _pieces(200, min_count=1)])
def test_there_and_back(coding: Coding) -> None:
    lines = _random_lines(300)
    learnt = _learnt_on(coding, lines)
    for line in lines:
        ids = learnt.encode(line)
        assert min(ids) > 3  # in particular, nothing that is written is taken for a special
        assert max(ids) < len(learnt)
        assert learnt.decode([1, *ids, 2, 0, 0]) == line
        assert len(learnt.pieces(line)) == len(ids)
        assert learnt.pieces(line) == learnt.pieces(ids)


@pytest.mark.parametrize("coding", [WordCodings(min_count=2), _pieces(90), _pieces(joint=True)])
def test_json_keeps_all_ids(coding: Coding) -> None:
    for learnt in _learn(coding):
        again = TextCoding.from_json(learnt.to_json())
        assert type(again) is type(learnt)
        assert len(again) == len(learnt)
        assert again.to_json() == learnt.to_json()
        for line in (*LINES, *_random_lines(50), "☃ new"):
            ids = learnt.encode(line)
            assert again.encode(line) == ids
            assert again.pieces(line) == learnt.pieces(line)
            assert again.decode(ids) == learnt.decode(ids)


def test_merges_are_the_most_frequent_neighbours() -> None:
    """Against the algorithm as Sennrich et al. (2016) print it, whichever of equals is taken."""
    words = Counter({"low": 5, "lower": 2, "newest": 6, "widest": 3})
    side = Side(PLAIN, [[word] * count for word, count in words.items()])
    learnt, _ = BytePairCodings(num_pieces=30, min_count=3, joint=False).learn(side, side)
    assert isinstance(learnt, PieceCoding)
    merges = [tuple(pair) for pair in json.loads(learnt.model)["model"]["merges"]]
    split = {word: [*word[:-1], word[-1] + " "] for word in words}
    for merge in merges:
        counts: Counter[tuple[str, str]] = Counter()
        for word, parts in split.items():
            for pair in itertools.pairwise(parts):
                counts[pair] += words[word]
        assert counts[merge] == max(counts.values()) >= 3
        split = {word: _merged(parts, merge) for word, parts in split.items()}
    assert len(merges) > 8
    assert learnt.pieces(learnt.encode("newest")) == ["newest"]
    shown = [p.removesuffix(" ") if p.endswith(" ") else p + "@@" for p in split["lower"]]
    assert learnt.pieces("lower") == shown
    assert len(shown) > 1


def _merged(parts: list[str], merge: tuple[str, ...]) -> list[str]:
    merged: list[str] = []
    for part in parts:
        # A part that was merged just now holds its mate already.
        if merged and (merged[-1], part) == merge:
            merged[-1] += part
        else:
            merged.append(part)
    return merged


@pytest.mark.parametrize("coding", [WordCodings(min_count=2), _pieces()])
def test_the_names_of_specials_mean_nothing_in_a_text(coding: Coding) -> None:
    learnt, _ = _learn(coding)
    for special in SPECIALS:
        assert not {0, 1, 2} & set(learnt.encode(f"the {special} the"))


def test_joint_or_not() -> None:
    source, target = _learn(_pieces(joint=True))
    assert isinstance(source, PieceCoding)
    assert isinstance(target, PieceCoding)
    assert source.model == target.model
    assert 3 not in source.encode("the THE")
    source, target = _learn(_pieces(joint=False))
    assert source.encode("THE") == [3, 3, 3]
    assert 3 not in target.encode("THE")


def test_unknown_characters_are_shown_as_they_stand() -> None:
    source, _ = _learn(_pieces(200, min_count=1))
    assert source.encode("☃ the")[0] == 3
    assert source.pieces("☃ the") == ["☃", "the"]
    assert source.pieces("cat☃s")[-2:] == ["☃@@", "s"]
    assert source.join(source.pieces("cat☃s the")) == "cat☃s the"
    assert source.pieces(source.encode("☃ the")) == ["<unknown>", "the"]
    assert source.decode(source.encode("☃ the")) == "<unknown> the"


def test_too_few_pieces_for_the_characters() -> None:
    with pytest.raises(DataError, match="the characters alone are"):
        _learn(_pieces(20))


def test_byte_pairs_are_the_same_each_time() -> None:
    lines = _random_lines(200)
    assert len({_learnt_on(_pieces(200), lines).to_json() for _ in range(5)}) == 1


@pytest.mark.parametrize("coding", [WordCodings(min_count=1), _pieces()])
def test_nothing_is_nothing(coding: Coding) -> None:
    learnt, _ = _learn(coding)
    assert learnt.encode("") == learnt.encode(" ") == []
    assert learnt.decode([]) == learnt.decode([2, 4]) == learnt.join([]) == ""
    assert learnt.pieces("") == learnt.pieces([]) == []


def test_moses_splits_and_joins() -> None:
    moses = Tokeniser("moses", "en", lower_case=True)
    text = "A man's hat isn't \"here\", Mr. Smith (3.50)."
    words = "a man 's hat isn 't \" here \" , mr. smith ( 3.50 ) ."
    assert moses.split(text) == words.split()
    assert moses.join(words.split()) == text.lower()
    french = Tokeniser("moses", "fr", lower_case=False)
    assert french.split("L'homme, ici.") == ["L'", "homme", ",", "ici", "."]
    assert french.join(["L'", "homme", ",", "ici", "."]) == "L'homme, ici."
    assert moses.split("a & b | c < d") == ["a", "&", "b", "|", "c", "<", "d"]


def test_moses_spaced_keeps_tokens_and_reads_plain_text() -> None:
    spaced = Tokeniser("moses_spaced", "en", lower_case=True)
    words = ["a", "man", "'s", "hat", ",", "here", "."]
    assert spaced.split("a man 's hat , here .") == words
    assert spaced.split("A man's hat, here.") == words
    assert spaced.join(words) == "a man 's hat , here ."


def test_moses_words_hold_no_white_space() -> None:
    for tokenisation in ("whitespace", "moses", "moses_spaced"):
        words = Tokeniser(tokenisation, "en", lower_case=False).split("a\u2028b\xa0c\x0bd\te")
        assert words
        assert not any(set(word) & set("\u2028\xa0\x0b\t ") for word in words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "words"}', "this is no text coding"),
        (
            '{"kind": "odd", "tokeniser": {"tokenisation": "moses", "language": "en", '
            '"lower_case": true}}',
            "kind 'odd'",
        ),
    ],
)
def test_other_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextCoding.from_json(text)


def test_a_count_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WordCodings(min_count=0)
