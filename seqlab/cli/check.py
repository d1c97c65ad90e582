"""seqlab check: is a config sound, and what is in it."""

import json
import sys
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Validate what `seqlab train` would run and show it."""
    composing.calm_threads()
    config = composing.checked("train", words.overrides_only(arguments, "check")).config
    console = Console()
    if not console.is_terminal:
        sys.stdout.write(OmegaConf.to_yaml(config, resolve=True))
        return
    console.print(tree(config))
    console.print("[green]sound[/]: seqlab train with the same words runs it")


def tree(config: DictConfig) -> Tree:
    """A config as a tree, each part under the name of its yaml."""
    values: Any = OmegaConf.to_container(config, resolve=True)
    choices = {key.partition("@")[2] or key: name for key, name in values.pop("choices").items()}
    root = Tree(Text("config", style="bold"), guide_style="dim")
    _grow(root, values, "", choices)
    return root


def _grow(branch: Tree, node: dict[str, Any], prefix: str, choices: dict[str, str]) -> None:
    for name, value in node.items():
        key = f"{prefix}{name}"
        label = Text(str(name), style="bold" if isinstance(value, dict) else "")
        if key in choices:
            label.append(f" = {choices[key]}", style="cyan")
        if isinstance(value, dict) and value:
            _grow(branch.add(label), value, f"{key}.", choices)
            continue
        style = "dim" if name == "_target_" else "green"
        text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
        branch.add(label.append(": ").append(text, style=style))
