"""seqlab train."""

import sys

from omegaconf import DictConfig

from seqlab.cli import composing, sweep, words
from seqlab.config import catalog, schema
from seqlab.config.compose import rewrite


def run(arguments: list[str]) -> int | None:
    """Train what the arguments describe, or show its config with Hydra's flags."""
    sorted_words = words.sort(arguments)
    if sorted_words.shows:
        show(sorted_words)
        return None
    if sorted_words.multirun:
        return sweep.run(sorted_words.overrides)
    composing.calm_threads()
    composed = composing.checked("train", sorted_words.overrides)
    from seqlab.run.train import train

    train(composed.config, composed.overrides)
    return None


def show(sorted_words: words.Words) -> None:
    """Let Hydra show the config, as its own command lines do."""
    import hydra

    def job(config: DictConfig) -> None:
        """Never called: each of the flags ends Hydra before."""

    schema.register()
    overrides = rewrite("train", sorted_words.overrides)
    sys.argv = ["seqlab train", *sorted_words.shows, *overrides]
    hydra.main(version_base="1.3", config_path=str(catalog.conf_dir()), config_name="train")(job)()
