"""Problems as text."""

import pytest

from seqlab.config.errors import Problem, UserError, nearest, render


def test_problems_are_rendered_in_order_and_once() -> None:
    first = Problem(key="seed", message="is of the wrong type", given="x", allowed=("a", "b"))
    second = Problem(key="modle", message="there is no such setting", nearest="model")
    assert render([first, second, first]) == (
        "seed: is of the wrong type\n"
        "  given: x\n"
        "  allowed: a, b\n"
        "\n"
        "modle: there is no such setting\n"
        "  did you mean: model?"
    )
    assert str(UserError([first, second])) == render([first, second])


def test_an_error_without_problems_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        UserError([])


@pytest.mark.parametrize(
    ("word", "expected"),
    [("atention", "attention"), ("showtell", "show_tell"), ("xyz", None), ("", None)],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, ["attention", "show_tell", "recurrent"]) == expected


def test_nearest_does_not_depend_on_the_order_of_names() -> None:
    names = ["beam1", "beam2", "beam3"]
    assert nearest("beam", names) == nearest("beam", reversed(names))
