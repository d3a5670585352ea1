"""Train a spec on one device and on several logical ones of this process.

Arguments: the number of devices, the folder, and overrides. Before these, `again` trains a second time on the devices,
`after_another` trains another model on them first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf

import graphspec

DEVICES, FOLDER, *OVERRIDES = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(DEVICES))
spec = Path(FOLDER) / "two_heads.yaml"
wish = OVERRIDES.pop(0) if OVERRIDES[:1] in (["again"], ["after_another"]) else ""
mirrored = ["training.distribute=mirrored", *OVERRIDES]
graphspec.train(spec, overrides=OVERRIDES, run_dir=Path(FOLDER) / "one")
if wish == "after_another":
    wider = [*mirrored, "graph.hidden.apply=[{Dense: 11}, {Dense: 8}]", "training.epochs=1"]
    graphspec.train(spec, overrides=wider, run_dir=Path(FOLDER) / "another")
for name in ("mirrored", "again") if wish == "again" else ("mirrored",):
    graphspec.train(spec, overrides=mirrored, run_dir=Path(FOLDER) / name)
