"""The templates: folders with a spec that trains, and its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graphspec.files import write_whole
from graphspec.starters.folder import new_folder

DEFAULT = "mlp"
ABOUT = {
    "mlp": "a few numbers → one of several classes",
    "image_classes": "images → one of several classes",
    "text": "text → one of several classes",
    "table": "numbers and categories → a number",
    "time_series": "a series → its next value",
    "two_inputs_two_outputs": "two inputs, and two outputs with losses of their own",
    "shared_towers": "one model that is applied to two inputs",
    "fine_tuning": "trained layers → another task, in two stages",
}
"""The templates, with what each does. Each is a folder in `template_folders`."""

_FOLDER = Path(__file__).with_name("template_folders")


@dataclass(frozen=True, slots=True)
class Template:
    """A template and the files in it."""

    name: str
    files: dict[str, Path]


def find_template(name: str) -> Template:
    """Return the template `name`, one of ABOUT."""
    return Template(name, {each.name: each for each in sorted((_FOLDER / name).iterdir()) if each.is_file()})


def start_from_template(folder: Path, template: Template) -> None:
    """Write the files of a template to `folder`; raise SpecError, with nothing written, where one is there already."""
    with new_folder(folder, list(template.files)) as part:
        for name, path in template.files.items():
            write_whole(part / name, path.read_bytes())
