"""Train a spec on one device and on several logical ones of this process.

Arguments: the number of devices, the folder, and overrides, before which `again` trains a second time on the devices.
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
names = ["mirrored", *(["again"] if OVERRIDES[:1] == ["again"] else [])]
overrides = OVERRIDES[len(names) - 1 :]
graphspec.train(spec, overrides=overrides, run_dir=Path(FOLDER) / "one")
for name in names:
    graphspec.train(spec, overrides=["training.distribute=mirrored", *overrides], run_dir=Path(FOLDER) / name)
