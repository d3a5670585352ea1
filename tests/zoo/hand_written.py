"""All hand-written models of the zoo, and the sizes at which each is built in an instant."""

from __future__ import annotations

from . import graph_loss_oracles, oracles, sequence_oracles, table_oracles, vision_oracles

MODULES = (
    oracles,
    vision_oracles,
    table_oracles,
    sequence_oracles,
    graph_loss_oracles,
)
ORACLES = {name: oracle for module in MODULES for name, oracle in module.ORACLES.items()}
SMALL = {name: sizes for module in MODULES for name, sizes in module.SMALL.items()}
