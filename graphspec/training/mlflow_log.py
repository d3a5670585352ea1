"""Logging of settings, metrics and files of a training to MLflow, by its client.

`MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME` set the destination. The default is a store inside the run directory,
which needs no server and no network. A resumed training continues its run of MLflow.
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
from graphspec.diagnostics.suggest import first_line
from graphspec.extras import require
from graphspec.language.document.tree import plain
from graphspec.language.schema import TrainingModel
from graphspec.run_directory import Row
from graphspec.run_directory.links import check_kept, check_no_links
from graphspec.run_directory.rows import FIXED
from graphspec.run_paths import MLFLOW, MLFLOW_RUN
from graphspec.spec import Spec
from graphspec.version import __version__

LOGGED_FILES = (
    *(run_directory.SPEC, run_directory.RECORD, run_directory.LOCK, run_directory.PROVENANCE, run_directory.TABLE),
    *(run_directory.VOCABULARIES, run_directory.ADAPTED, run_directory.MODEL, run_directory.BEST),
)
"""The files of a run that are logged at its end, if they exist."""

_DATABASE, _FILES = "mlflow.db", "files"
_MAX_PARAMETER = 6_000
"""Characters of a parameter."""
_STATUSES = {"finished": "FINISHED", "stopped": "KILLED"}


def check_mlflow(settings: TrainingModel) -> None:
    """Raise SpecError if a training logs to MLflow and it is not installed."""
    if "mlflow" in settings.log:
        require("mlflow", "MLflow", "`log: [mlflow]` needs MLflow")


@contextmanager
def logged_to_mlflow(spec: Spec, run: Path, rows: list[Row], reporter: Reporter) -> Iterator[list[Any]]:
    """Yield the callbacks that log to MLflow, if `spec` asks for it.

    Args:
        spec: A spec with `training`.
        run: The run directory.
        rows: The rows of metrics; one that a preceding callback appends is logged at the end of its epoch.
        reporter: Receives a warning if MLflow fails while the training runs.

    Raises:
        SpecError: MLflow cannot begin a run.
    """
    assert spec.model.training is not None
    if "mlflow" not in spec.model.training.log:
        yield []
        return
    mlflow_run = _MlflowRun(run, reporter)
    try:
        mlflow_run.begin(spec)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            CANNOT_WRITE, f"MLflow cannot begin a run: {first_line(error)}", _span(spec),
            help="check MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME, or leave both out",
        ) from error  # fmt: skip
    try:
        yield [_LogRows(mlflow_run, rows)]
    finally:
        mlflow_run.end()


class _LogRows(keras.callbacks.Callback):
    """A callback that logs the newest row after every epoch."""

    def __init__(self, mlflow_run: _MlflowRun, rows: list[Row]) -> None:
        super().__init__()
        self.mlflow_run = mlflow_run
        self.rows = rows

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.rows and self.rows[-1]["epoch"] == epoch:
            self.mlflow_run.log(self.rows[-1])


class _MlflowRun:
    """A run of MLflow, which warns once if MLflow fails during the training."""

    def __init__(self, run: Path, reporter: Reporter) -> None:
        self.run = run
        self.folder = run_directory.WatchedFolder(run, ())
        self.takes_files = True
        self.reporter = reporter
        self.has_failed = False
        self.client: Any = None
        self.id = ""

    def begin(self, spec: Spec) -> None:
        """Reopen the MLflow run of this run directory, or start a new one."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        import mlflow

        user_uri = mlflow.get_tracking_uri() if mlflow.tracking.is_tracking_uri_set() else None
        folder = (self.run / MLFLOW).resolve()
        logged = run_directory.read_json(self.run / MLFLOW_RUN) if (self.run / MLFLOW_RUN).exists() else {}
        own = f"sqlite:///{(folder / _DATABASE).as_posix()}"
        uri = _uri_of(logged, own, user_uri) if logged else user_uri or own
        if uri.startswith("sqlite:"):
            require("alembic", "Alembic", "MLflow's local store needs Alembic")
        if uri == own:
            check_kept(self.run, (MLFLOW,))
            check_no_links(self.run, MLFLOW)
            folder.mkdir(exist_ok=True)
        self.client = mlflow.MlflowClient(tracking_uri=uri)
        if logged:
            self.id = logged["run_id"]
            self.client.update_run(self.id, status="RUNNING")
            files = urlsplit(str(self.client.get_run(self.id).info.artifact_uri))
            is_below = Path(unquote(files.path)).resolve().is_relative_to(folder / _FILES)
            self.takes_files = uri != own or (files.scheme == "file" and is_below)
            if not self.takes_files:
                self.reporter.warn(f"MLflow's store in {self.run} keeps its files elsewhere; no files are logged to it")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or spec.name
        existing = self.client.get_experiment_by_name(name)
        location = (folder / _FILES).as_uri() if uri == own else None
        experiment = existing.experiment_id if existing is not None else self.client.create_experiment(name, location)
        tags = {"graphspec.version": __version__, "graphspec.run": str(self.run), "graphspec.spec": str(spec.path)}
        if spec.model.description:
            tags["mlflow.note.content"] = spec.model.description
        self.id = self.client.create_run(experiment, run_name=self.run.name, tags=tags).info.run_id
        run_directory.write_json(self.run / MLFLOW_RUN, {"run_id": self.id, "tracking_uri": uri})
        self._log_batch(params=parameters(spec))

    def log(self, row: Row) -> None:
        """Log the finite values of a row; list items by their index."""
        values: dict[str, float] = {}
        for key, value in row.items():
            if key in FIXED:
                continue
            items = value if isinstance(value, list) else [value]
            names = [f"{key}_{index}" for index in range(len(items))] if isinstance(value, list) else [key]
            values |= {name: each for name, each in zip(names, items, strict=True) if each is not None}
        self._unless_failed(partial(self._log_batch, metrics=values, step=row["epoch"]))

    def end(self) -> None:
        """Log the run's files and the final status, unless the run directory is gone."""
        if self.folder.is_lost:
            return
        for name in LOGGED_FILES:
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

    def _unless_failed(self, action: Callable[[], object]) -> None:
        if self.has_failed:
            return
        try:
            action()
        except Exception as error:  # of the network, the store, or MLflow
            self.has_failed = True
            self.reporter.warn(f"MLflow failed, so nothing more is logged to it: {first_line(error)}")


def _uri_of(logged: dict[str, Any], own: str, user_uri: str | None) -> str:
    """Return the tracking URI of a run that is logged already.

    Raises ValueError if the run names another: a run of unknown origin must not decide where data is sent.
    """
    uri = str(logged.get("tracking_uri"))
    if uri.startswith("sqlite:") and uri.endswith(f"/{MLFLOW}/{_DATABASE}"):
        return own  # the run may have moved
    if user_uri != uri:
        raise ValueError(
            f"this run is logged to {uri}; set MLFLOW_TRACKING_URI to that, or remove {MLFLOW_RUN} from the run"
        )
    return uri


def parameters(spec: Spec) -> dict[str, str]:
    """Return every key of `training`, defaults included, as MLflow parameters; objects as JSON."""
    settings = spec.model.training
    assert settings is not None
    values = {key: plain(getattr(settings, key)) for key in type(settings).model_fields if key != "checkpoint"}
    return {
        "name": spec.name,
        **{key: _text(value)[:_MAX_PARAMETER] for key, value in values.items() if value is not None},
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _span(spec: Spec) -> Span:
    assert spec.model.training is not None
    return spec.model.training.located("log").span
