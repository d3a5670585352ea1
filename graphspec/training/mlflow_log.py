"""A training as a run of MLflow: its settings, its metrics by epoch, and its files, written by MLflow's own client.

Where it goes is MLflow's affair: `MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME` say it. Where nobody says, it is a
store inside the run directory, which needs no server and no network. A resumed training goes on in its run of MLflow.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import keras

from graphspec import run_directory
from graphspec.console.reporter import Reporter
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.extras import require
from graphspec.language.document.tree import plain
from graphspec.language.schema import TrainingModel
from graphspec.run_directory import Row
from graphspec.run_directory.inside import check_kept, check_no_links
from graphspec.run_directory.rows import FIXED
from graphspec.run_paths import MLFLOW, MLFLOW_RUN
from graphspec.spec import Spec
from graphspec.version import __version__

FOLDER, KNOWN = MLFLOW, MLFLOW_RUN
"""In a run directory: the store where nobody names another, and which run of MLflow this is."""

FILES = (
    *(run_directory.SPEC, run_directory.RECORD, run_directory.LOCK, run_directory.PROVENANCE, run_directory.TABLE),
    *(run_directory.VOCABULARIES, run_directory.ADAPTED, run_directory.MODEL, run_directory.BEST),
)
"""What is handed to MLflow at the end, as far as it is there."""

_DATABASE, _FILES = "mlflow.db", "files"
_LONGEST_PARAMETER = 6_000
_STATUSES = {"finished": "FINISHED", "stopped": "KILLED"}


def check_mlflow(settings: TrainingModel) -> None:
    """Raise SpecError with the line to run where a training logs to MLflow and it is not installed. Imports nothing."""
    if "mlflow" in settings.log:
        require("mlflow", "MLflow", "`log: [mlflow]` needs MLflow", "graphspec[mlflow]")


@contextmanager
def logged_to_mlflow(spec: Spec, run: Path, rows: list[Row], reporter: Reporter) -> Iterator[list[Any]]:
    """The callbacks that log a training of `spec` in `run` to MLflow, if it says so; its end is logged on leaving.

    rows: those of the epochs before; what is appended to them is logged when an epoch ends, so what appends comes
    first among the callbacks. Raises SpecError where MLflow refuses to begin; later it is only warned of.
    """
    assert spec.model.training is not None
    if "mlflow" not in spec.model.training.log:
        yield []
        return
    store = _Store(run, reporter)
    try:
        store.begin(spec)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            CANNOT_WRITE, f"MLflow cannot begin a run: {_first_line(error)}", _span(spec),
            help="check MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME, or leave both out",
        ) from error  # fmt: skip
    try:
        yield [_LogRows(store, rows)]
    finally:
        store.end()


class _LogRows(keras.callbacks.Callback):
    """Logs the newest row after every epoch."""

    def __init__(self, store: _Store, rows: list[Row]) -> None:
        super().__init__()
        self.store = store
        self.rows = rows

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.rows and self.rows[-1]["epoch"] == epoch:
            self.store.log(self.rows[-1])


class _Store:
    """One run of MLflow. A store that fails while a training goes on is warned of once: the training is worth more."""

    def __init__(self, run: Path, reporter: Reporter) -> None:
        self.run = run
        self.folder = run_directory.WatchedFolder(run, ())
        self.takes_files = True
        self.reporter = reporter
        self.has_failed = False
        self.client: Any = None
        self.id = ""

    def begin(self, spec: Spec) -> None:
        """Open the run of MLflow that this run has already, or a new one with its parameters."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        import mlflow

        chosen = mlflow.get_tracking_uri() if mlflow.tracking.is_tracking_uri_set() else None
        folder = (self.run / FOLDER).resolve()
        known = run_directory.read_json(self.run / KNOWN) if (self.run / KNOWN).exists() else {}
        own = f"sqlite:///{(folder / _DATABASE).as_posix()}"
        uri = _store_of(known, own, chosen) if known else chosen or own
        if uri.startswith("sqlite:"):
            require("alembic", "Alembic", "MLflow's local store needs Alembic", "graphspec[mlflow]")
        if uri == own:
            check_kept(self.run, (FOLDER,))
            check_no_links(self.run, FOLDER)
            folder.mkdir(exist_ok=True)
        self.client = mlflow.MlflowClient(tracking_uri=uri)
        if known:
            self.id = known["run_id"]
            self.client.update_run(self.id, status="RUNNING")
            files = urlsplit(str(self.client.get_run(self.id).info.artifact_uri))
            is_below = Path(unquote(files.path)).resolve().is_relative_to(folder / _FILES)
            self.takes_files = uri != own or (files.scheme == "file" and is_below)
            if not self.takes_files:
                self.reporter.warn(f"MLflow's store in {self.run} keeps its files elsewhere, so it is handed none")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or spec.name
        found = self.client.get_experiment_by_name(name)
        place = (folder / _FILES).as_uri() if uri == own else None
        experiment = found.experiment_id if found is not None else self.client.create_experiment(name, place)
        tags = {"graphspec.version": __version__, "graphspec.run": str(self.run), "graphspec.spec": str(spec.path)}
        if spec.model.description:
            tags["mlflow.note.content"] = spec.model.description
        self.id = self.client.create_run(experiment, run_name=self.run.name, tags=tags).info.run_id
        run_directory.write_json(self.run / KNOWN, {"run_id": self.id, "tracking_uri": uri})
        self._log_batch(params=parameters(spec))

    def log(self, row: Row) -> None:
        """Log the finite values of a row; of a metric of several values, each by its index."""
        values: dict[str, float] = {}
        for key, value in row.items():
            if key in FIXED:
                continue
            several = value if isinstance(value, list) else [value]
            names = [f"{key}_{index}" for index in range(len(several))] if isinstance(value, list) else [key]
            values |= {name: each for name, each in zip(names, several, strict=True) if each is not None}
        self._unless_failed(partial(self._log_batch, metrics=values, step=row["epoch"]))

    def end(self) -> None:
        """Hand over the run's files, and say how the training ended; nothing of a run that is gone."""
        if self.folder.is_lost:
            return
        for name in FILES:
            if self.takes_files and (self.run / name).is_file():
                self._unless_failed(partial(self.client.log_artifact, self.id, str(self.run / name)))
        self._unless_failed(self._terminate)

    def _terminate(self) -> None:
        status = str(run_directory.read_json(self.run / run_directory.RECORD).get("status"))
        self.client.set_terminated(self.id, _STATUSES.get(status, "FAILED"))

    def _log_batch(
        self, *, metrics: dict[str, float] | None = None, params: dict[str, str] | None = None, step: int = 0
    ) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        self.client.log_batch(
            self.id,
            metrics=[Metric(name, value, now, step) for name, value in (metrics or {}).items()],
            params=[Param(name, value) for name, value in (params or {}).items()],
        )

    def _unless_failed(self, do: Callable[[], object]) -> None:
        if self.has_failed:
            return
        try:
            do()
        except Exception as error:  # of the network, the store, or MLflow
            self.has_failed = True
            self.reporter.warn(f"MLflow failed, and nothing more is logged to it: {_first_line(error)}")


def _store_of(known: dict[str, Any], own: str, chosen: str | None) -> str:
    """Return the store of a run that is logged already: its own, or the one that the user names.

    Raises ValueError where the run names another: a run may come from anywhere, and does not say what is written.
    """
    uri = str(known.get("tracking_uri"))
    if uri.startswith("sqlite:") and uri.endswith(f"/{FOLDER}/{_DATABASE}"):
        return own  # wherever the run has been then
    if chosen != uri:
        raise ValueError(
            f"this run is logged to {uri}; set MLFLOW_TRACKING_URI to that, or remove {KNOWN} from the run"
        )
    return uri


def parameters(spec: Spec) -> dict[str, str]:
    """The settings of a training as MLflow's parameters: every key of `training`, defaults as well, objects as JSON."""
    settings = spec.model.training
    assert settings is not None
    written = {key: plain(getattr(settings, key)) for key in type(settings).model_fields if key != "checkpoint"}
    return {
        "name": spec.name,
        **{key: _shown(value)[:_LONGEST_PARAMETER] for key, value in written.items() if value is not None},
    }


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _span(spec: Spec) -> Span:
    assert spec.model.training is not None
    return spec.model.training.located("log").span


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
