"""A worker other than the chief: it trains along, decides alike, and writes nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from graphspec.checks.callback_paths import written_paths
from graphspec.console.reporter import Reporter
from graphspec.datasets.order import Order
from graphspec.diagnostics import SpecError
from graphspec.distribution.adapted_state import adapted_state, restore_adapted_state
from graphspec.to_keras.adapting import adapt
from graphspec.to_keras.objects import make
from graphspec.training.checkpoint_file import CheckpointContents
from graphspec.training.checkpoints import Checkpoints, plan_checkpoints
from graphspec.training.epoch_stats import EpochStats
from graphspec.training.fitting import training_error
from graphspec.training.metrics import OutputLoss
from graphspec.training.nan_guard import NotFiniteError, nan_diagnostic
from graphspec.training.progress import ProgressReporter
from graphspec.training.setup import TrainingSetup
from graphspec.training.signals import Interruption, StoppedError
from graphspec.training.stages import StageCallbacks, fit_stages
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
    reporter.info(_share(setup))
    start = Start(run=run, record={}, lock={}, rows=[], spec_hash="", resumed=resumed)
    if resumed is not None:
        reporter.info(f"resuming after step {start.position.step} of epoch {start.position.epoch + 1}")
    callbacks = [make(each) for each in setup.callbacks]
    deciding = [each for each, stated in zip(callbacks, setup.callbacks, strict=True) if not written_paths(stated)]
    state = TrainingState(setup.model, callbacks)
    plan = plan_checkpoints(
        setup.spec, setup.settings.all_epochs, setup.batches.steps, validates=setup.validation is not None
    )
    weights = {name: float(setup.spec.graph.outputs[name].loss_weight) for name in losses}
    epoch_stats = EpochStats(weights, setup.batches.samples_between, setup.batches.waited)
    with (
        Interruption() as interruption,
        ProgressReporter(
            list(setup.spec.graph.outputs),
            reporter,
            lambda: epoch_stats.row,
            epochs=setup.settings.all_epochs,
            steps=setup.batches.steps,
        ) as progress,
    ):
        every = StageCallbacks(
            first=[],
            own=[epoch_stats, progress, *deciding],
            checkpoints=Checkpoints(None, state, plan, interruption, start=start),
        )
        try:
            fit_stages(
                setup,
                start,
                losses,
                state=state,
                callbacks=every,
                interruption=interruption,
                on_stage=lambda stage: None,
            )
        except StoppedError as error:
            reporter.info(f"stopped by {error} at {_now()}, as all workers; the chief writes the checkpoint")
            raise
        except SpecError:
            raise
        except NotFiniteError as error:
            raise nan_diagnostic(error, run, setup.spec.model.key_span("training")) from error
        except Exception as error:
            raise training_error(error, run, setup) from error
    reporter.info(f"the training ended at {_now()}; the chief writes {run}")
    return run


def _share(setup: TrainingSetup) -> str:
    """Return what this worker trains, for its log."""
    distribution, settings = setup.distribution, setup.settings
    assert distribution is not None
    order = Order(setup.samples.count, settings.batch_size)
    sizes = [each.own_size for each in order.of_part(replace(distribution.part, first=0, count=distribution.replicas))]
    first = sum(sizes[: distribution.first])
    rows = sum(sizes[distribution.first : distribution.first + distribution.local])
    devices = ", ".join(sorted(each.rpartition("device:")[2] for each in distribution.strategy.extended.worker_devices))
    return (
        f"same spec, data and versions as the chief; trains rows {first + 1} to {first + rows} of each batch of "
        f"{settings.batch_size} on {devices}, for {settings.all_epochs} epochs of {setup.batches.steps} steps"
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def adapt_together(setup: TrainingSetup, console: Console | None) -> None:
    """Adapt layers to the training split; of several workers only the chief does, and the others take its state."""
    distribution = setup.distribution
    if distribution is None or distribution.is_chief:
        adapt(setup.spec, setup.built, setup.samples, console)
    if distribution is not None and distribution.workers > 1:
        received = distribution.from_chief(lambda: adapted_state(setup.model))
        if not distribution.is_chief:
            restore_adapted_state(setup.model, received)
