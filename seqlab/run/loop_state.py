"""Where in Lightning's training loop a checkpoint stands, in the few forms that resume exactly.

Lightning 2.6 saves its counters as they are at the hook that saves, and guesses from them on resume
which part of an epoch is still to be done. At many hooks the guess is wrong: validation is skipped
or done twice, an epoch is counted twice, logged steps shift by one. Here the counters are rewritten
into three forms whose way through `_FitLoop` and `_TrainingEpochLoop` is known; tests/smoke/
test_resume.py kills a run in each of them.
"""

from typing import Any, Literal

from lightning.pytorch.loops.loop import _Loop

Moment = Literal["batch", "validation", "epoch"]
"""Before a batch that is not the first of its epoch; before a validation; between two epochs."""

_COUNTERS = ("ready", "started", "processed", "completed")


def normalise(fit_loop: dict[str, Any], moment: Moment) -> None:
    """Rewrite the state of the fit loop in a checkpoint, in place.

    Args:
        fit_loop: `checkpoint["loops"]["fit_loop"]`.
        moment: where the training stands.
    """
    epochs, batches = fit_loop["epoch_progress"], fit_loop["epoch_loop.batch_progress"]
    validation = fit_loop["epoch_loop.val_loop.batch_progress"]
    num_epochs, num_batches = epochs["current"]["completed"], batches["current"]["completed"]
    _set(epochs["current"], num_epochs)
    _set(epochs["total"], num_epochs)
    _set(batches["total"], batches["total"]["completed"])
    _set(validation["current"], 0)
    _set(validation["total"], 0)
    if moment == "epoch":
        _set(batches["current"], 0)
        batches["is_last_batch"] = False
        return
    for scope in ("current", "total"):  # an epoch that was begun and not ended
        epochs[scope].update(ready=num_epochs + 1, started=num_epochs + 1)
    _set(batches["current"], num_batches)
    if moment == "batch":
        for loader in fit_loop["state_dict"].get("combined_loader", []):
            loader["batch"] -= 1  # the batch at hand is still to be trained on
    else:
        # The form of a validation that was cut short: the only one of which Lightning does it.
        validation["total"].update(ready=1, started=1)


def _set(scope: dict[str, int], value: int) -> None:
    scope.update({name: value for name in _COUNTERS if name in scope})


def begin_epoch_anew(fit_loop: Any) -> None:
    """Have the next epoch begin as in a run that was never stopped.

    Where `max_steps` is set, Lightning takes every resumed epoch for one that was cut short.
    """
    setter: Any = _Loop.restarting
    setter.fset(fit_loop, False)
