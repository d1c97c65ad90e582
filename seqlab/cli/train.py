"""seqlab train."""

import logging
import sys

from omegaconf import DictConfig

from seqlab.cli import composing, sweep, words
from seqlab.config import catalog, schema
from seqlab.config.compose import quote_paths, rewrite


def run(arguments: list[str]) -> int | None:
    """Train what the arguments describe, or show its config with Hydra's flags."""
    sorted_words = words.sort(arguments)
    if sorted_words.shows:
        show(sorted_words)
        return None
    if sorted_words.multirun:
        return sweep.run(sorted_words.overrides)
    composing.calm_threads()
    given = quote_paths("train", sorted_words.overrides)
    resumes = any(override.startswith("resume=") for override in given)
    # What else is given then belongs to the run's own config, which is not the one composed here.
    composed = composing.checked("train", _of_the_command(given) if resumes else given)
    from seqlab.run.train import train

    train(composed.config, given if resumes else composed.overrides)
    return None


def _of_the_command(overrides: list[str]) -> list[str]:
    """Those that set a key of the command itself."""
    keys = schema.keys("train")
    return [override for override in overrides if override.partition("=")[0] in keys]


def show(sorted_words: words.Words) -> None:
    """Let Hydra show the config, as its own command lines do."""
    import hydra

    def job(config: DictConfig) -> None:
        """Never called: each of the flags ends Hydra before."""

    logging.raiseExceptions = False  # `| head` closes the pipe that Hydra logs to
    schema.register()
    overrides = rewrite("train", sorted_words.overrides)
    sys.argv = ["seqlab train", *sorted_words.shows, *overrides]
    hydra.main(version_base="1.3", config_path=str(catalog.conf_dir()), config_name="train")(job)()
