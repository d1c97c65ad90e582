"""What Hydra's grammar of sweeps becomes."""

import itertools

import pytest

from seqlab.config.errors import UserError
from seqlab.run.sweep_space import Axis, Bounds, Space, fingerprint, nearest_text, split

NAMES = {"attention": ("additive", "dot", "hard")}


def read(*overrides: str) -> Space:
    return split(overrides, lambda group: NAMES[group])[0]


def axis(text: str) -> Axis:
    (only,) = read(text).axes
    return only


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("attention=additive,hard", ("additive", "hard")),
        ("lr=choice(1e-3,3e-4)", ("0.001", "0.0003")),
        ("x=range(1,6,2)", ("1", "3", "5")),
        ("x=range(3,0,-1)", ("3", "2", "1")),
        ("x=range(0.1,0.5,0.1)", ("0.1", "0.2", "0.3", "0.4")),
        ("attention=glob(*a*,exclude=*hard*)", ("additive",)),
        ("x=[1,2],[3]", ("[1,2]", "[3]")),
        ("x=true,null", ("True", "null")),
        ("x=interval(0.1,0.5)", ("0.1", "0.5")),
        ("+x=1,1,2", ("1", "2")),
    ],
)
def test_values_of_a_sweep(text: str, values: tuple[str, ...]) -> None:
    assert axis(text).values == values
    assert axis(text).key == text.split("=")[0]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("x=interval(1,8)", Bounds(1.0, 8.0, None, False, False)),
        ("x=int(interval(1,8))", Bounds(1, 8, None, False, True)),
        ("x=tag(log,interval(1e-4,1e-2))", Bounds(1e-4, 1e-2, None, True, False)),
        ("x=range(2,9,3)", Bounds(2, 8, 3, False, True)),
        ("x=range(9,2,-3)", Bounds(3, 9, 3, False, True)),
        ("x=range(4,5)", None),
        ("x=1,2", None),
    ],
)
def test_bounds_of_a_sweep(text: str, bounds: Bounds | None) -> None:
    assert axis(text).bounds == bounds


def test_split_keeps_order_and_takes_the_sweeps_own_keys_out() -> None:
    overrides = ["a=1", "sweep=tpe", "b=x,y", "launcher.time=3", "n_jobs=2", "~c", "a=2"]
    space, own = split(overrides, lambda group: NAMES[group])
    assert own == ["sweep=tpe", "launcher.time=3", "n_jobs=2"]
    assert space.overrides({"b": "y"}) == ("b=y", "~c", "a=2")


def test_all_problems_are_told_together() -> None:
    wrong = [
        "x=interval(3,1)",
        "x=tag(log,interval(0,1))",
        "attention=glob(z*)",
        "y=choice(",
        "sweep.retries=1,2",
        "run_dir=here",
        "x=tag(ordered,interval(0,1))",
        "x=tag(log,range(0,10,3))",
    ]
    with pytest.raises(UserError) as caught:
        read(*wrong, "fine=1,2")
    assert len(caught.value.problems) == len(wrong)
    assert "additive, dot, hard" in str(caught.value)


def test_grid_is_the_product_in_order() -> None:
    space = read("a=1,2", "fixed=0", "b=x,y,z")
    expected = [(f"a={a}", "fixed=0", f"b={b}") for a, b in itertools.product("12", "xyz")]
    assert [space.overrides(choice) for choice in space.grid()] == expected


def test_corners_of_a_large_space_hold_every_value_and_every_pair_of_groups() -> None:
    words = ",".join("abcdefghij")
    space = read("attention=additive,hard", "model=m,n,o", "x=range(0,50)", f"y={words}")
    groups = ("attention", "model")
    corners = space.corners(lambda key: key in groups, limit=64)
    assert len(corners) == 10
    pairs = {(corner["attention"], corner["model"]) for corner in corners}
    assert pairs == set(itertools.product(("additive", "hard"), "mno"))
    assert {corner["x"] for corner in corners} == {"0", "49"}
    assert {corner["y"] for corner in corners} == set("abcdefghij")
    assert len(read("a=1,2", "b=1,2").corners(lambda key: False, limit=4)) == 4


def test_names_depend_on_what_is_asked_not_on_order() -> None:
    assert fingerprint(["a=1", "b=2"]) == fingerprint(["b=2", "a=1"])
    assert fingerprint(["a=1", "b=2"]) != fingerprint(["a=2", "b=1"])
    assert axis("x=interval(0,1)").text != axis("x=choice(0.0,1.0)").text
    assert axis("x=tag(log,interval(1,2))").text != axis("x=interval(1,2)").text


def test_proposals_are_written_as_the_user_would() -> None:
    assert nearest_text(axis("x=range(0.1,0.5,0.1)"), 0.1 + 0.1 + 0.1) == "0.3"
    assert nearest_text(axis("x=int(interval(1,8))"), 3) == "3"
    assert nearest_text(axis("x=interval(0,1)"), 0.25) == "0.25"
    assert nearest_text(axis("x=1e-3,3e-4"), "0.0003") == "0.0003"
