"""The installation of graphspec: which extras work, what TensorFlow sees, and where files can be written."""

from graphspec.installation.extra_status import ExtraStatus, Status, extra_statuses
from graphspec.installation.facts import Facts, Folder, inspect_system

__all__ = ["ExtraStatus", "Facts", "Folder", "Status", "extra_statuses", "inspect_system"]
