"""The words of a command line: Hydra's flags apart from the overrides."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from seqlab.config.errors import Problem, UserError, nearest


@dataclass(frozen=True)
class Words:
    """A command line, sorted.

    Args:
        overrides: KEY=VALUE and the like.
        shows: the flags that show something instead of running, for Hydra.
        multirun: whether several values are to be run.
    """

    overrides: list[str]
    shows: list[str]
    multirun: bool


class _Parser(argparse.ArgumentParser):
    """Tells a wrong flag as any other problem."""

    def error(self, message: str) -> NoReturn:
        raise UserError([Problem(key="flag", message=message)])


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--cfg", "-c", choices=["job", "hydra", "all"])
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument("--package", "-p")
    infos = ["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"]
    parser.add_argument("--info", "-i", nargs="?", const="all", choices=infos)
    parser.add_argument("--hydra-help", action="store_true")
    parser.add_argument("--run", "-r", action="store_true")
    parser.add_argument("--multirun", "-m", action="store_true")
    parser.add_argument("--config-dir", "-cd")
    return parser


# Flags of the verbs that hand nothing to Hydra, and the overrides that they are short for.
SHORTHANDS = {"predict": {"--alignments": "figures=true"}}

# Hydra has these too; here is what does their work.
_INSTEAD = {
    "--shell-completion": "seqlab completion writes the completion of a shell",
    "-sc": "seqlab completion writes the completion of a shell",
    "--experimental-rerun": "a run is gone on with by resume=DIR",
    "--config-name": "a config of your own is an experiment: --config-dir DIR experiment=NAME",
    "-cn": "a config of your own is an experiment: --config-dir DIR experiment=NAME",
    "--config-path": "--config-dir adds a folder of configs",
    "-cp": "--config-dir adds a folder of configs",
}


def sort(words: Sequence[str]) -> Words:
    """Take a command line apart.

    Raises:
        UserError: a flag is unknown or has a wrong value.
    """
    parser = _parser()
    parsed, rest = parser.parse_known_args(list(words))
    flags = [word for word in rest if word.startswith("-")]
    if flags:
        known = list(parser._option_string_actions)
        raise UserError([_unknown(flag.partition("=")[0], known) for flag in flags])
    if parsed.config_dir:
        rest.append(f"hydra.searchpath=['file://{_absolute(parsed.config_dir)}']")
    shows = [f"--cfg={parsed.cfg}"] if parsed.cfg else []
    shows += [f"--info={parsed.info}"] if parsed.info else []
    shows += ["--hydra-help"] if parsed.hydra_help else []
    if (parsed.resolve or parsed.package) and not parsed.cfg:
        raise UserError([Problem(key="--resolve, --package", message="belong to --cfg job")])
    shows += ["--resolve"] if parsed.resolve else []
    shows += [f"--package={parsed.package}"] if parsed.package else []
    return Words(rest, shows, parsed.multirun)


def overrides_only(words: Sequence[str], verb: str) -> list[str]:
    """The words of a verb that takes no flags of Hydra, its shorthands written out.

    Raises:
        UserError: there is another flag.
    """
    known = SHORTHANDS.get(verb, {})
    flags = [word for word in words if word.startswith("-") and word not in known]
    if flags:
        taken = ", ".join(["KEY=VALUE", *known])
        message = f"seqlab {verb} takes no such flag; it takes {taken} and --help"
        near = {flag: nearest(flag, [*known, "--help"]) for flag in flags}
        raise UserError([Problem(key=f, message=message, nearest=near[f]) for f in flags])
    return [known.get(word, word) for word in words]


def _unknown(flag: str, known: Sequence[str]) -> Problem:
    if flag in _INSTEAD:
        return Problem(key=flag, message=f"is not taken; {_INSTEAD[flag]}")
    near = nearest(flag, known)
    longs = tuple(name for name in known if name.startswith("--"))
    return Problem(key=flag, message="there is no such flag", allowed=longs, nearest=near)


def _absolute(folder: str) -> str:
    from pathlib import Path

    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise UserError([Problem(key="--config-dir", given=folder, message="is no folder")])
    return str(path)
