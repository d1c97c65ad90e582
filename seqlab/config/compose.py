"""From the words of a command line to a config; all that is wrong with them is told at once."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_type_hints

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from seqlab.config import catalog, explain, schema
from seqlab.config.errors import Problem, UserError

# Hydra's own faults, OmegaConf's, and those of a group that is given something odd (`model=3`).
_FAILURES = (HydraException, OmegaConfBaseException, ValueError, TypeError, AssertionError)
_QUOTED = re.compile(r"^(['\"].*|\$\{.*|null|)$", re.DOTALL)
_LIST = re.compile(r"^\[.*\]$", re.DOTALL)
_SEARCH_PATH = "hydra.searchpath="


class Composed(NamedTuple):
    """A config and how it came about."""

    config: DictConfig
    overrides: list[str]  # as given, each part named with its slot
    problems: list[Problem]  # of the overrides that are not in the config


def compose(verb: str, overrides: Sequence[str] = ()) -> DictConfig:
    """The config of a verb; `choices` says which yaml of each group it is made of.

    A part may be named by its group alone (`attention=hard`) where one slot takes it.

    Args:
        verb: `train`, `eval`, `predict` or `sweep`.
        overrides: in Hydra's grammar.

    Raises:
        UserError: some overrides cannot be; problems of the others (`validate`) are told too.
    """
    composed = resolve(verb, overrides)
    if composed.problems:
        from seqlab.config.validate import validate

        raise UserError([*composed.problems, *validate(composed.config)])
    return composed.config


def rewrite(verb: str, overrides: Sequence[str]) -> list[str]:
    """The overrides with parts named by their slots (`attention@model.attention=hard`).

    Values to sweep over stay as they are. Rewriting twice changes nothing more.

    Raises:
        UserError: some overrides cannot be.
    """
    composed = resolve(verb, overrides, sweeps=True)
    if composed.problems:
        raise UserError(composed.problems)
    return composed.overrides


def resolve(verb: str, overrides: Sequence[str], *, sweeps: bool = False) -> Composed:
    """Compose what can be composed.

    Args:
        verb: whose config it is.
        overrides: in Hydra's grammar.
        sweeps: whether an override may have several values, of which the config has the first.
    """
    return _Composition(verb, sweeps).run(overrides)


class _Composition:
    """The overrides that are accepted so far, and what they compose to."""

    def __init__(self, verb: str, sweeps: bool) -> None:
        self.verb, self.sweeps = verb, sweeps
        self.roots = catalog.root_groups(verb)
        self.accepted: list[str] = []
        self.problems: list[Problem] = []
        self.config, self.choices = DictConfig({}), dict[str, str | None]()

    def run(self, overrides: Sequence[str]) -> Composed:
        texts = quote_paths(self.verb, overrides)
        parsed = [(at, p) for at, text in enumerate(texts) if (p := self._parse(text)) is not None]
        in_slots = [(at, override) for at, override in parsed if self._wants_slot(override)]
        plain = [override for _, override in parsed if not self._wants_slot(override)]
        # Hydra's own settings may add folders in which the others are looked for; which slots there
        # are depends on the groups, and which keys on both.
        named = sorted(filter(_names_slot, plain), key=lambda o: str(o.package).count("."))
        groups = [o for o in plain if self._is_group(o) and not _names_slot(o)]
        waiting = [o for o in plain if _is_hydras(o)] + groups
        for depth in sorted({override.key_or_group.count("/") for _, override in in_slots}):
            self._accept(waiting)
            # A slot that is named may be in a part that is still to come (`recurrent=stacked`).
            there = [o for o in named if f"{o.key_or_group}@{o.package}" in self.choices]
            self._accept(there)
            named = [o for o in named if o not in there]
            level = [(a, o) for a, o in in_slots if o.key_or_group.count("/") == depth]
            found = [(at, self._to_slot(override)) for at, override in level]
            texts = [dict(found).get(at) or text for at, text in enumerate(texts)]
            rewritten = (self._parse(text) for _, text in found if text is not None)
            waiting = [override for override in rewritten if override is not None]
        values = [o for o in plain if not self._is_group(o) and not _is_hydras(o)]
        self._accept([*waiting, *named, *values])
        shown = {key: name for key, name in self.choices.items() if name is not None}
        if "choices" in self.config:
            self.config.choices = shown
        return Composed(self.config, texts, self.problems)

    def _parse(self, text: str) -> Override | None:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException as error:
            self.problems.append(explain.syntax(text, str(error)))
            return None
        if not override.key_or_group:
            self.problems.append(explain.syntax(text, "there is no key"))
            return None
        return override

    @staticmethod
    def _is_group(override: Override) -> bool:
        is_group = override.package is not None or override.key_or_group in catalog.groups()
        return is_group and not _is_hydras(override)

    def _wants_slot(self, override: Override) -> bool:
        """Whether it names a part by its group, or the end of its group, alone."""
        key = override.key_or_group
        if override.package or override.type.name != "CHANGE" or key in self.roots:
            return False
        return any(group == key or group.endswith(f"/{key}") for group in catalog.groups())

    def _to_slot(self, override: Override) -> str | None:
        """The override with the only slot of its group; None, and a problem, without one.

        A slot within another, as that of a stack of cells, has to be named.
        """
        name = override.key_or_group
        keys = [key for key in self.choices if _is_slot_of(key, name)]
        keys = [key for key in keys if not any(_is_within(key, other) for other in keys)]
        if len(keys) == 1:
            problem = explain.choice(override, keys[0].partition("@")[0])
            if problem is None or any(_SEARCH_PATH in text for text in self.accepted):
                return keys[0] + str(override.input_line)[len(name) :]
            self.problems.append(problem)
            return None
        task, model = self.choices.get("task"), self.choices.get("model")
        owner = model or task or f"seqlab {self.verb}"
        self.problems.append(explain.slots(override, keys, owner, self.choices))
        return None

    def _accept(self, overrides: Sequence[Override]) -> None:
        """Take all that compose; where they do not together, find out which do not."""
        texts = [t for t in map(self._first_value, overrides) if t is not None]
        if not texts and self.choices:
            return
        try:
            self._compose([*self.accepted, *texts])
        except _FAILURES as error:
            if not overrides:
                raise  # the fault is not the user's
            if not self.choices:
                self._accept([])
            if len(overrides) == 1:
                hints = get_type_hints(schema.SCHEMAS[self.verb])
                problem = explain.failure(overrides[0], error, self.config, self.choices, hints)
                self.problems.append(problem)
                return
            for override in overrides:
                self._accept([override])
        else:
            self.accepted += texts

    def _first_value(self, override: Override) -> str | None:
        """What stands for an override in the config: itself, or one of its values in a sweep."""
        if not (self.sweeps and override.is_sweep_override()):
            return override.input_line
        if not self._is_group(override) or not isinstance(override.value(), ChoiceSweep):
            return None
        first = next(iter(override.sweep_string_iterator()))
        return f"{override.get_key_element()}={first}"

    def _compose(self, overrides: Iterable[str]) -> None:
        schema.register()
        with initialize_config_dir(str(catalog.conf_dir()), version_base="1.3"):
            config = hydra_compose(self.verb, list(overrides), return_hydra_config=True)
        chosen = config.hydra.runtime.choices
        self.choices = {str(k): v for k, v in chosen.items() if not str(k).startswith("hydra/")}
        config._set_flag("struct", False)
        del config["hydra"]
        config._set_flag("struct", True)
        self.config = config


def _is_hydras(override: Override) -> bool:
    return override.key_or_group.partition(".")[0] == "hydra"


def _names_slot(override: Override) -> bool:
    """Whether it changes what is in a slot that it names (`attention@model.attention=hard`)."""
    return bool(override.package) and override.type.name == "CHANGE" and not _is_hydras(override)


def _is_within(key: str, other: str) -> bool:
    """Whether the slot of a key of the choices is in the part that another key chooses."""
    return key.partition("@")[2].startswith(f"{other.partition('@')[2]}.")


def _is_slot_of(key: str, name: str) -> bool:
    """Whether a key of the choices, `group` or `group@package`, takes a part of that name."""
    group = key.partition("@")[0]
    return group == name or group.endswith(f"/{name}")


def quote_paths(verb: str, overrides: Sequence[str]) -> list[str]:
    """Put quotes around paths, which may hold what Hydra's grammar gives a meaning to."""
    texts, lists = schema.texts(verb), schema.lists(verb)
    quoted = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if equals and key in lists and _LIST.match(value):
            value = _quote_all(value)
        elif equals and key in (*texts, *lists):
            value = _quote(value)
        quoted.append(f"{key}{equals}{value}")
    return quoted


def _quote_all(value: str) -> str:
    """A list with each text in quotes; one that holds a comma the user has to quote."""
    inner = value[1:-1]
    if not inner.strip() or "'" in inner or '"' in inner:
        return value
    return f"[{','.join(_quote(each.strip()) for each in inner.split(','))}]"


def _quote(value: str) -> str:
    if _QUOTED.match(value):
        return value
    # A backslash has a meaning only before a quote, so one at the end would escape ours.
    inner = re.sub(r"(\\*)'", r"\1\1\\'", value)
    return f"'{inner}'" if not inner.endswith("\\") else value
