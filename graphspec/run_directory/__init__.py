"""The folder of a run: its files, and writing each of them atomically.

    run.json             status, times, samples, the last metrics and the best epoch
    lock.json            how to reproduce the run: command, seed, versions, machine, the SHA-256 of data files
                         and of the resolved spec, with its values
    spec.yaml            the spec as it was trained: overrides applied, data paths relative to this folder
    provenance.json      the origin of each value of the spec
    metrics.jsonl, .csv  a row an epoch (see `rows`)
    log.txt              the messages of the training
    checkpoints/         the state to resume from, exactly
    model.keras          the trained model, which plain Keras loads; best.keras: that of the best epoch
    vocabularies.json    the words of each `vocabulary: auto`, in the order of their indices
    adapted.json         the state of preprocessing layers adapted to the training data
    included/            copies of the files that the spec includes
    workers/             the logs of the workers that `graphspec launch` has started

The files of callbacks lie beside them. Needs no TensorFlow.
"""

from __future__ import annotations

from graphspec.run_directory.destination import check_destination
from graphspec.run_directory.files import (
    LogFile,
    make_folder,
    read_json,
    relative,
    write,
    write_json,
    write_text,
)
from graphspec.run_directory.folders import (
    RUNS,
    check_can_create,
    check_free,
    create,
    empty_folder,
    folders_with,
    hold,
    new_folder,
    new_name,
    newest,
    newest_with,
    status_of,
)
from graphspec.run_directory.links import check_inside
from graphspec.run_directory.records import (
    damaged,
    read_adapted,
    read_lock,
    read_provenance,
    read_record,
    read_study,
    read_vocabularies,
    recovery_help,
)
from graphspec.run_directory.resolved_spec import change_epochs, write_spec
from graphspec.run_directory.rows import Row, read_rows, series, write_rows
from graphspec.run_directory.watched_folder import WatchedFolder
from graphspec.run_paths import (
    ADAPTED,
    BEST,
    CHECKPOINTS,
    LOCK,
    LOG,
    METRICS,
    MODEL,
    PROVENANCE,
    RECORD,
    SPEC,
    TABLE,
    VOCABULARIES,
)

__all__ = [
    "ADAPTED",
    "BEST",
    "CHECKPOINTS",
    "LOCK",
    "LOG",
    "METRICS",
    "MODEL",
    "PROVENANCE",
    "RECORD",
    "RUNS",
    "SPEC",
    "TABLE",
    "VOCABULARIES",
    "LogFile",
    "Row",
    "WatchedFolder",
    "change_epochs",
    "check_can_create",
    "check_destination",
    "check_free",
    "check_inside",
    "create",
    "damaged",
    "empty_folder",
    "folders_with",
    "hold",
    "make_folder",
    "new_folder",
    "new_name",
    "newest",
    "newest_with",
    "read_adapted",
    "read_json",
    "read_lock",
    "read_provenance",
    "read_record",
    "read_rows",
    "read_study",
    "read_vocabularies",
    "recovery_help",
    "relative",
    "series",
    "status_of",
    "write",
    "write_json",
    "write_rows",
    "write_spec",
    "write_text",
]
