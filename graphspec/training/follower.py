"""A worker other than the chief: it trains along, decides alike, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from graphspec.checks.callback_paths import written_paths
from graphspec.console.reporter import Reporter
from graphspec.diagnostics import SpecError
from graphspec.distribution.adapted_state import adapted_state, restore_adapted_state
from graphspec.to_keras.adapting import adapt
from graphspec.to_keras.objects import make
from graphspec.training.checkpoint_file import CheckpointContents
from graphspec.training.checkpoints import Checkpoints, plan_checkpoints
from graphspec.training.fitting import fit, train_together, training_error
from graphspec.training.metrics import OutputLoss, TrueLosses
from graphspec.training.nan_guard import NanGuard, NotFiniteError, nan_diagnostic
from graphspec.training.setup import TrainingSetup
from graphspec.training.signals import Interruption, StoppedError
from graphspec.training.state import Start, TrainingState


def follow(
    setup: TrainingSetup,
    losses: dict[str, OutputLoss],
    run: Path,
    resumed: CheckpointContents | None,
    *,
    reporter: Reporter,
) -> Path:
    """Train along with the chief, and return the run that it writes.

    Args:
        setup: The training, compiled.
        losses: The loss metric of each trained output.
        run: The run directory of the chief; it may lie on another machine.
        resumed: The checkpoint to resume from.
        reporter: Receives what becomes of this worker.

    Raises:
        StoppedError: A signal to any worker has stopped the training.
        SpecError: The training failed.
    """
    start = Start(run=run, record={}, lock={}, rows=[], spec_hash="", resumed=resumed)
    callbacks = [make(each) for each in setup.callbacks]
    deciding = [each for each, stated in zip(callbacks, setup.callbacks, strict=True) if not written_paths(stated)]
    state = TrainingState(setup.model, callbacks)
    plan = plan_checkpoints(
        setup.spec, setup.settings.epochs, setup.batches.steps, validates=setup.validation is not None
    )
    with Interruption() as interruption:
        together = train_together(setup, losses, state, interruption)
        assert together.decisions is not None
        checkpoints = Checkpoints(None, state, plan, together.decisions, start=start)
        order = [TrueLosses(), NanGuard(losses), *deciding, *together.callbacks, checkpoints]
        try:
            fit(setup, order, start, together.decisions)
        except (StoppedError, SpecError):
            raise
        except NotFiniteError as error:
            raise nan_diagnostic(error, run, setup.spec.model.key_span("training")) from error
        except Exception as error:
            raise training_error(error, run, setup) from error
    reporter.info(f"trained along with the chief, which writes {run}")
    return run


def adapt_together(setup: TrainingSetup, console: Console | None) -> None:
    """Adapt layers to the training split; of several workers only the chief does, and the others take its state."""
    distribution = setup.distribution
    if distribution is None or distribution.is_chief:
        adapt(setup.spec, setup.built, setup.samples, console)
    if distribution is not None and distribution.workers > 1:
        received = distribution.from_chief(lambda: adapted_state(setup.model))
        if not distribution.is_chief:
            restore_adapted_state(setup.model, received)
