#!/bin/sh
# Make an environment with graphspec and TensorFlow for CPU, in the releases of locks/demo.txt.
#
#   container/install.sh FOLDER    makes the environment in FOLDER, by the `python3` of the path
#
# Containerfile runs this script, and so does `make package`, where there is no container engine.
set -eu
target=$1
cd "$(dirname "$0")/.."
python3 -m venv "$target"
pip="$target/bin/python -m pip --disable-pip-version-check"
$pip install --quiet --no-cache-dir --requirement locks/demo.txt
$pip install --quiet --no-cache-dir --no-deps --no-build-isolation .
$pip uninstall --quiet --yes pip
