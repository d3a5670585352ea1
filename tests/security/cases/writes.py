"""Specs that try to write where they must not: paths of callbacks, and names that become folders."""

from __future__ import annotations

from .case import Case, layers, spec, training
from .contents import link

_PLACES = {
    "the folder above": "../victim.txt",
    "folders above": "../../../../../../outside/victim.txt",
    "a folder and back": "a/b/../../../victim.txt",
    "dots between": "./.././victim.txt",
    "an absolute path": "/tmp/graphspec_victim.txt",
    "an absolute path with two slashes": "//tmp/graphspec_victim.txt",
    "a path of /proc": "/proc/self/cwd/victim.txt",
    "a device": "/dev/shm/graphspec_victim",
    "the folder of the run itself": "..",
    "nothing but a dot": ".",
    "a URL of a file": "file:///tmp/graphspec_victim",
    "a bucket": "gs://bucket/victim",
    "a bucket of another kind": "s3://bucket/victim",
    "memory of TensorFlow": "ram://victim",
    "a URL": "http://127.0.0.1:9/victim",
}
_OWN = (
    *("spec.yaml", "lock.json", "run.json", "provenance.json", "metrics.jsonl", "metrics.csv", "log.txt"),
    *("model.keras", "best.keras", "vocabularies.json", "adapted.json", "report.html", "./spec.yaml"),
    *("a/../lock.json", "checkpoints", "checkpoints/step_00000001.checkpoint", "spec.yaml/", "a/../a/.././run.json"),
)
_PLACEHOLDERS = {
    "a wide number": "{epoch:999999999d}.keras",
    "a wide text": "{loss!r:>999999999}.keras",
    "many digits": "{loss:.999999999f}.keras",
    "filling signs": "{epoch:/>99}.keras",
    "filling dots": "{epoch:.>9}/../../x.keras",
    "a width of its own": "{epoch:{epoch}}.keras",
    "an attribute": "{loss.__class__}.keras",
    "a way to globals": "{loss.__init__.__globals__}.keras",
    "an index": "{epoch[0]}.keras",
    "a conversion": "{loss!a}.keras",
    "by position": "{0}.keras",
    "without a name": "{}.keras",
    "never closed": "{epoch.keras",
    "closed only": "epoch}.keras",
    "a metric that is none": "{nothing}.keras",
    "of a time": "{epoch:%Y/../../../../x}.keras",
}
_CALLBACKS = {
    "CSVLogger": "{{CSVLogger: {path}}}",
    "ModelCheckpoint": "{{ModelCheckpoint: {{filepath: {path}, save_weights_only: false}}}}",
    "TensorBoard": "{{TensorBoard: {{log_dir: {path}}}}}",
    "OrbaxCheckpoint": "{{OrbaxCheckpoint: {{directory: {path}}}}}",
    "BackupAndRestore": "{{BackupAndRestore: {{backup_dir: {path}}}}}",
}


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _callback(name: str, path: str) -> str:
    return training(f"callbacks: [{_CALLBACKS[name].format(path=_quoted(path))}]")


CASES = [
    *(
        Case(f"{callback} writes to {what}", _callback(callback, path), trains=True)
        for callback in _CALLBACKS
        for what, path in _PLACES.items()
        if callback in ("CSVLogger", "TensorBoard") or what in ("the folder above", "an absolute path", "a bucket")
    ),
    *(Case(f"CSVLogger writes to the run's {path}", _callback("CSVLogger", path), trains=True) for path in _OWN),
    *(
        Case(f"ModelCheckpoint writes to the run's {path}", _callback("ModelCheckpoint", path), trains=True)
        for path in ("model.keras", "best.keras", "checkpoints/x.keras")
    ),
    *(
        Case(f"{callback} takes a folder of the run, {path}", _callback(callback, path), trains=True)
        for callback in ("TensorBoard", "OrbaxCheckpoint")
        for path in ("checkpoints", "spec.yaml", "metrics.csv/x")
    ),
    *(
        Case(f"a placeholder: {what}", _callback("ModelCheckpoint", path), trains=True)
        for what, path in _PLACEHOLDERS.items()
    ),
    Case("a placeholder climbs with folders", _callback("ModelCheckpoint", "{epoch}/../../../x.keras"), trains=True),
    Case("a path of a variable", spec(vars="{up: '../..'}") + "#\n", refused=False),
    Case(
        "a path made of variables",
        spec(
            vars="{up: '../..'}",
            training="{optimizer: sgd, callbacks: [{CSVLogger: '${up}/outside/victim.txt'}]}",
        ),
        trains=True,
    ),
    Case(
        "a path that an override sets",
        training("callbacks: [{CSVLogger: a.csv}]"),
        options=("--set", "training.callbacks[0].CSVLogger=../../outside/victim.txt"),
        trains=True,
    ),
    Case(
        "a path among the choices of a search",
        training("callbacks: [{CSVLogger: a.csv}]")
        + "search: {parameters: {'training.callbacks[0].CSVLogger': [b.csv, ../../outside/victim.txt]}}\n",
    ),
    Case("a path with NUL", training('callbacks: [{CSVLogger: "a\\0b.csv"}]'), trains=True),
    Case("a path of 5,000 letters", _callback("CSVLogger", "a" * 5000), trains=True),
    Case("a path of 3,000 folders", _callback("CSVLogger", "a/" * 3000 + "x.csv"), trains=True),
    Case("an empty path", training('callbacks: [{CSVLogger: ""}]'), trains=True),
    Case("a path that is no text", training("callbacks: [{CSVLogger: [a, b]}]"), trains=True),
    Case("a path that is a number, an open file", training("callbacks: [{CSVLogger: 1}]"), trains=True),
    Case("the home folder", _callback("CSVLogger", "~/victim.txt"), refused=None, trains=True),
    Case("a variable of the shell", _callback("CSVLogger", "$HOME/victim.txt"), refused=None, trains=True),
    Case("a path of Windows", _callback("CSVLogger", "..\\..\\victim.txt"), refused=None, trains=True),
    Case("a path with a newline", training('callbacks: [{CSVLogger: "a\\nb.csv"}]'), refused=None, trains=True),
    Case("a name of the run in capitals", _callback("CSVLogger", "SPEC.YAML"), refused=None, trains=True),
    Case(
        "two callbacks write in a legal place",
        training("callbacks: [{CSVLogger: logs/a.csv}, {ModelCheckpoint: 'keep/{epoch:02d}-{loss:.2f}.keras'}]"),
        refused=None,
        trains=True,
    ),
    Case(
        "metadata of embeddings elsewhere",
        training("callbacks: [{TensorBoard: {log_dir: logs, embeddings_metadata: {e: ../../../outside/victim.txt}}}]"),
        refused=None,
        trains=True,
    ),
    Case("a monitor that is a server", training("callbacks: [{RemoteMonitor: 'http://127.0.0.1:9'}]"), trains=True),
    Case("a monitor that is a server, by default", training("callbacks: [RemoteMonitor]"), trains=True),
    Case("a name that is a folder above", spec(name="../../evil")),
    Case("a name that is an absolute path", spec(name="/tmp/evil")),
    Case("a name of dots", spec(name="'..'")),
    Case("an output named as a folder above", spec(outputs="{../y: {from: x, apply: {Dense: 1}, loss: mse}}")),
    Case("a layer named as a folder above", layers("{Dense: {units: 1, name: ../../evil}}"), refused=None, trains=True),
    Case(
        "a metric named as a folder above",
        spec(
            outputs="{y: {from: x, apply: {Dense: 1}, loss: mse, metrics: [{MeanSquaredError: {name: ../../evil}}]}}",
            training="{optimizer: sgd, callbacks: [{TensorBoard: logs}, {ModelCheckpoint: '{y_mse}.keras'}]}",
        ),
        refused=None,
    ),
    Case(
        "a run folder that is a link",
        files={"runs": link("../outside")},
        refused=False,
        builds=False,
    ),
]
