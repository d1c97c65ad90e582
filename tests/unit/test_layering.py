"""Imports only go down: cli > run > tasks > models, data, metrics > components."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "seqlab"

# What each package may import of the others; itself it always may.
BELOW = {
    "components": set(),
    "models": {"components"},
    "data": {"components", "config"},
    "metrics": {"components"},
    "viz": set(),
    "config": set(),
    "tasks": {"models", "data", "metrics", "components", "config", "viz"},
    "run": {"tasks", "models", "data", "metrics", "components", "config", "viz"},
    "cli": {"run", "tasks", "models", "data", "metrics", "components", "config", "viz"},
}


def imports(source: str) -> Iterator[str]:
    """Full names of all modules and members that a source imports, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward(package: str, source: str) -> set[str]:
    """Imports of a source in a package that its layer does not allow."""
    found = set()
    for name in imports(source):
        first, *rest = name.split(".")
        if first == "seqlab" and rest and rest[0] in BELOW.keys() - BELOW[package] - {package}:
            found.add(name)
    return found


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def test_every_package_has_its_layer() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages - {"conf"} == set(BELOW)


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    package = path.relative_to(PACKAGE).parts[0]
    assert upward(package, path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("components", "from seqlab.config.errors import UserError"),
        ("models", "def f():\n    import seqlab.tasks.base"),
        ("tasks", "from seqlab import run"),
        ("config", "from seqlab.models.interfaces import CaptioningModel"),
        ("viz", "import seqlab.data.spec as spec"),
    ],
)
def test_an_import_upwards_is_seen(package: str, source: str) -> None:
    assert upward(package, source)


def unpickling(source: str) -> list[str]:
    """Calls that may run what a file says."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        loads_torch = name == "torch.load" and given.get("weights_only") != "True"
        unpickles = name in ("pickle.load", "pickle.loads", "pickle.Unpickler")
        if loads_torch or unpickles or given.get("allow_pickle") == "True":
            found.append(f"line {call.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_unpickles(path: Path) -> None:
    assert unpickling(path.read_text(encoding="utf-8")) == []


def test_unpickling_is_seen() -> None:
    assert unpickling("torch.load(x)") == ["line 1: torch.load"]
    assert unpickling("np.load(x, allow_pickle=True)") == ["line 1: np.load"]
    assert unpickling("pickle.loads(x)") == ["line 1: pickle.loads"]
