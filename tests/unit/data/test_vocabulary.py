"""Words: how text is split, and which of them get a number."""

import pytest

from seqlab.data.spec import CaptionSpec
from seqlab.data.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary, tokenise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A child in a pink dress .", "a child in a pink dress"),
        ("The dog's tail isn't wet, is it?", "the dog 's tail is n't wet is it"),
        ("The dog 's tail is n't wet", "the dog 's tail is n't wet"),
        ("Four-wheel ATV 's; a tri-colored dog -- ok", "four-wheel atv 's a tri-colored dog ok"),
        ("jeans & a cowboy hat, at&t #5", "jeans & a cowboy hat at&t # 5"),
        ("“It’s 4.5 (or 10:30) o'clock”", "it 's 4.5 or 10:30 o'clock"),
        ("the boys' U.S. flag.", "the boys u.s. flag"),
        ("Zoë's café", "zoë 's café"),
        ("cafe\u0301s", "cafe\u0301s"),
        ("मैरी स्नानघर में गयी।", "मैरी स्नानघर में गयी"),
        ("house.The end", "house the end"),
        ("red &amp; black, we cannot see", "red & black we can not see"),
        ("...", ""),
        ("snake_case and it'll", "snake case and it 'll"),
    ],
)
def test_text_is_split_as_in_the_treebank_without_punctuation(text: str, words: str) -> None:
    assert " ".join(tokenise(text)) == words


def test_specials_stand_where_the_spec_says() -> None:
    words = Vocabulary.of([["a", "dog"]], min_count=1).words
    assert words[CaptionSpec.pad_id] == "<padding>"
    assert words[CaptionSpec.start_id] == "<start>"
    assert words[CaptionSpec.end_id] == "<end>"
    assert words[CaptionSpec.unknown_id] == "<unknown>"
    assert CaptionSpec.unknown_id == UNKNOWN_ID


def test_minimum_count_and_order() -> None:
    texts = ["a b c", "a b d", "a d", "z a"]
    words = Vocabulary.of(map(str.split, texts), min_count=2).words
    assert words == (*SPECIALS, "a", "b", "d")  # by count, then by spelling; c and z too rare
    assert Vocabulary.of(map(str.split, reversed(texts)), min_count=2).words == words


def test_there_and_back() -> None:
    vocabulary = Vocabulary.of([["a", "dog", "runs"]], min_count=1)
    ids = vocabulary.encode(["a", "cat", "runs"])
    assert ids[1] == UNKNOWN_ID
    assert vocabulary.decode([1, *ids, 2, 4, 0]) == "a <unknown> runs"


def test_spec_goes_to_json_and_back() -> None:
    spec = CaptionSpec(("<padding>", "zoë", '"'), 64, 96, 12, "ab")
    assert CaptionSpec.from_json(spec.to_json()) == spec
    with pytest.raises(ValueError, match="CaptionSpec has the fields"):
        CaptionSpec.from_json('{"words": []}')
