"""Train a spec on one device and on several logical ones of this process: `mirrored_training.py DEVICES FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf

import graphspec

DEVICES, FOLDER, *OVERRIDES = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(DEVICES))
spec = Path(FOLDER) / "two_heads.yaml"
graphspec.train(spec, overrides=OVERRIDES, run_dir=Path(FOLDER) / "one")
mirrored = ["training.distribute=mirrored", *OVERRIDES]
graphspec.train(spec, overrides=mirrored, run_dir=Path(FOLDER) / "mirrored")
