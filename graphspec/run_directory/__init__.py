"""The folder of one run: what lies in it, and how it is written so that a reader never sees half a file.

    run.json             status, times, samples, the last metrics and the best epoch
    lock.json            what it takes to repeat the run: command, seed, versions, machine, the SHA-256 of data files
                         and of the resolved spec, with its values
    spec.yaml            the spec as it was trained: overrides applied, data paths relative to this folder
    provenance.json      the place that each value of the spec came from
    metrics.jsonl, .csv  a row an epoch (see `rows`)
    log.txt              what was told while it was trained
    checkpoints/         what it takes to go on, to the bit
    model.keras          the trained model, which plain Keras loads; best.keras: that of the best epoch
    vocabularies.json    the words of each `vocabulary: auto`, in the order of their indices
    adapted.json         what preprocessing layers have learnt from the training data
    included/            copies of the files that the spec includes

What callbacks write lies beside them. Needs no TensorFlow.
"""

from __future__ import annotations

from graphspec.run_directory.destination import check_destination
from graphspec.run_directory.files import (
    LogFile,
    cannot_write,
    make_folder,
    read_json,
    relative,
    write,
    write_json,
    write_text,
)
from graphspec.run_directory.folders import (
    RUNS,
    check_empty,
    check_free,
    check_place,
    create,
    empty_folder,
    folders_with,
    held,
    new_folder,
    newest,
    newest_with,
    status_of,
)
from graphspec.run_directory.inside import check_inside
from graphspec.run_directory.records import (
    damaged,
    read_adapted,
    read_lock,
    read_provenance,
    read_record,
    read_study,
    read_vocabularies,
    what_is_left,
)
from graphspec.run_directory.resolved_spec import change_epochs, write_spec
from graphspec.run_directory.rows import Row, read_rows, series, write_rows
from graphspec.run_directory.watched import WatchedFolder
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
    "cannot_write",
    "change_epochs",
    "check_destination",
    "check_empty",
    "check_free",
    "check_inside",
    "check_place",
    "create",
    "damaged",
    "empty_folder",
    "folders_with",
    "held",
    "make_folder",
    "new_folder",
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
    "relative",
    "series",
    "status_of",
    "what_is_left",
    "write",
    "write_json",
    "write_rows",
    "write_spec",
    "write_text",
]
