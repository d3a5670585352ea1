"""Where a spec may let callbacks write: within the run, over nothing of graphspec's own, each to a place of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphspec
from graphspec import run_paths
from graphspec.catalog.arguments import CALLBACK_PATHS
from graphspec.run_paths import KEPT, UnsafePathError, run_path

from .callback_specs import SPEC, codes

OUTSIDE = [
    *(
        "../victim.txt",
        "../../../victim.txt",
        "/etc/motd",
        "//etc/motd",
        "a/../../victim.txt",
        "..",
        "a/..",
        "a/../b.csv",
    ),
    *("..\\victim.txt", "a\\b.csv", "\\\\server\\share", "C:/x.csv", "C:x.csv", "log.csv:stream"),
    *(
        "gs://bucket/log.csv",
        "s3://bucket/x",
        "ram://x",
        "hdfs://host/x",
        "file:///tmp/x",
        "FILE:/tmp/x",
        "https://h/x",
    ),
    *("~", "~/x.csv", "~root/x.csv", "a/~/x", "SPEC~1.YAM", "．．/x.csv", "．．／x.csv", "..　/x", "", ".", "./", " "),
    *(
        "log.csv ",
        " log.csv",
        "log.csv.",
        "logs./a.csv",
        "... ",
        "a\tb.csv",
        "a\x1b[2J.csv",
        "a\u202ecsv.exe",
        "a\u200b.csv",
    ),
    *("a" * 300, "é" * 200, "x/" * 600 + "y", "a/" * 30 + "b", "a\x7f.csv", "a\ue000.csv"),
]

PLACEHOLDERS = [
    *("{epoch:999999999d}", "{epoch:100d}", "{epoch:.999f}", "{loss.__class__}", "{loss[0]}", "{epoch!r:>99999999}"),
    *(
        "{epoch!s}",
        "{epoch:{loss}}",
        "{epoch:{loss}d}",
        "{0}",
        "{}",
        "{:02d}",
        "{epoch",
        "epoch}",
        "{epoch}}",
        "{{epoch}",
    ),
    *(
        "{epoch:/<9d}",
        "{epoch:>9}",
        "{epoch:,}",
        "{epoch:c}",
        "{epoch:b}",
        "{epoch:s}",
        "{epoch:%Y}",
        "{loss:d}",
        "{epoch:.2d}",
    ),
    *("{self}", "{nothing}", "{batch}", "{val_mea}", "{epoch:02d}/../{loss}", "/{epoch}", "{epoch}."),
]


def quoted(text: str) -> str:
    return (
        '"'
        + "".join(
            each if each.isascii() and each.isprintable() and each not in '"\\' else f"\\U{ord(each):08x}"
            for each in text
        )
        + '"'
    )


FORMS = {
    "CSVLogger": "{CSVLogger: %s}",
    "ModelCheckpoint": "{ModelCheckpoint: {filepath: %s, save_best_only: true}}",
    "TensorBoard": "{TensorBoard: {log_dir: %s, write_graph: false}}",
    "OrbaxCheckpoint": "{OrbaxCheckpoint: {directory: %s}}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("text", OUTSIDE, ids=lambda text: repr(text)[:30])
def test_what_leaves_the_run_on_any_file_system_is_found(tmp_path: Path, text: str, form: str) -> None:
    """Every callback that writes is held to paths that stay in the run everywhere: one finding, GS514."""
    assert codes(tmp_path, form % quoted(text)) == ["GS514"]


def variants(name: str) -> list[str]:
    """Ways to write a name that some file system takes for the same."""
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isalpha() else each for each in name)
    return [
        *(name, f"./{name}", f".//{name}", f"{name}/", f"{name}/.", name.upper(), name.title(), f"{name}."),
        *(f"{name} ", f"{name}/x.csv", f"a/../{name}", name.replace("s", "ſ"), name.replace("i", "\u200ci"), wide),
        *(f"{name}::$DATA", name.replace("i", "ı"), name.replace("i", "İ"), f"{name[:1]}\ufe0f{name[1:]}"),
    ]


@pytest.mark.parametrize("name", KEPT)
def test_what_graphspec_keeps_itself_is_found(tmp_path: Path, name: str) -> None:
    """No callback writes over a file or into a folder of graphspec's own, however its name is written."""
    for text in variants(name):
        assert codes(tmp_path, FORMS["CSVLogger"] % quoted(text)) == ["GS514"], text
    for text in (f".writing-{name}", f"kept/.WRITING-{name}"):
        assert codes(tmp_path, FORMS["TensorBoard"] % quoted(text)) == ["GS514"], text


def test_the_names_that_are_kept_are_those_that_are_written() -> None:
    """The list of what a run holds has every name that any part of graphspec writes there."""
    from graphspec.training.mlflow_log import LOGGED_FILES

    constants = {
        value for name, value in vars(run_paths).items() if name.isupper() and name[0] != "_" and isinstance(value, str)
    }
    assert constants - {run_paths.UNFINISHED, run_paths.STUDY} <= set(KEPT)
    assert set(LOGGED_FILES) <= set(KEPT)


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_placeholders_are_names_with_a_short_format(tmp_path: Path, text: str) -> None:
    """What is no known name with a format of bounded width is one finding, and is never formatted."""
    assert codes(
        tmp_path,
        f"{{ModelCheckpoint: {quoted(text + '.keras')}}}"
        if text != "{epoch}."
        else f"{{ModelCheckpoint: {quoted(text)}}}",
    ) == ["GS514"]


GOOD = [
    *(
        "log.csv",
        "./log.csv",
        "kept/log.csv",
        "kept/",
        "spec.csv",
        "my spec.yaml.csv",
        "a.b/c-d_e.csv",
        "..csv",
        "Größe.csv",
        "模型.csv",
    ),
    *("checkpoint.csv", "log.txt.csv", "x" * 255, "a/spec.yaml"),
]


@pytest.mark.parametrize("text", GOOD, ids=lambda text: text[:20])
def test_ordinary_paths_are_taken(tmp_path: Path, text: str) -> None:
    """Paths in the run, in folders of it too, are no finding, in whatever language."""
    assert codes(tmp_path, FORMS["CSVLogger"] % quoted(text)) == []


@pytest.mark.parametrize(
    "callbacks",
    [
        '{ModelCheckpoint: "{epoch:02d}-{val_loss:.2f}.keras"}',
        '{ModelCheckpoint: {filepath: "kept/{epoch}_{mae:.3g}_{val_mae:+.1e}.weights.h5", save_weights_only: true}}',
        '{ModelCheckpoint: {filepath: "{epoch:04d}-{batch:05d}-{loss:.3f}.keras", save_freq: 10}}',
        '{ModelCheckpoint: "{{braces}}-{epoch}.keras"}',
        '{ReduceLROnPlateau: {monitor: loss}}, {ModelCheckpoint: "{epoch}-{learning_rate:.0e}.keras"}',
        "{ModelCheckpoint: {filepath: best.keras, save_best_only: true}}",
        "{ModelCheckpoint: {filepath: best.keras, monitor: val_loss, mode: auto, save_best_only: true}}",
        '{ModelCheckpoint: weights.keras}, {ModelCheckpoint: "weights-{epoch}.keras"}',
        '{ModelCheckpoint: "a-{epoch}.keras"}, {ModelCheckpoint: "b-{epoch}.keras"}',
        "TensorBoard, {CSVLogger: logs/log.csv}, {TensorBoard: {log_dir: logs/more}}",
    ],
)
def test_ordinary_uses_of_several_callbacks_are_taken(tmp_path: Path, callbacks: str) -> None:
    """Placeholders that Keras fills in, the run's own best model, and paths beside each other are no finding."""
    assert codes(tmp_path, callbacks) == []


@pytest.mark.parametrize(
    "callbacks",
    [
        "{CSVLogger: a.csv}, {CSVLogger: a.csv}",
        "{CSVLogger: a.csv}, {CSVLogger: ./A.CSV}",
        "{CSVLogger: a}, {CSVLogger: a/b.csv}",
        "{CSVLogger: a/b.csv}, {CSVLogger: a}",
        "{CSVLogger: logs/train}, TensorBoard",
        "TensorBoard, {CSVLogger: logs/projector_config.pbtxt}",
        "TensorBoard, {CSVLogger: logs}",
        "TensorBoard, {TensorBoard: {log_dir: LOGS/}}",
        "{OrbaxCheckpoint: {directory: kept}}, {CSVLogger: kept/log.csv}",
        '{ModelCheckpoint: "{epoch}.keras"}, {ModelCheckpoint: "{epoch:02d}.keras"}',
        '{ModelCheckpoint: "{epoch}.keras"}, {CSVLogger: "7.keras"}',
        '{CSVLogger: "7.keras"}, {ModelCheckpoint: "{epoch}.keras"}',
        '{ModelCheckpoint: "kept/{loss:.2f}.keras"}, {CSVLogger: "kept/1e-05.keras"}',
        '{ModelCheckpoint: "kept/{epoch}/m.keras"}, {CSVLogger: "kept/1"}',
        "{ModelCheckpoint: a.keras}, {ModelCheckpoint: {filepath: a.keras, monitor: val_mae, save_best_only: true}}",
    ],
)
def test_two_callbacks_never_write_the_same(tmp_path: Path, callbacks: str) -> None:
    """The same file, a file where another has a folder, and a number that makes them the same: one finding."""
    assert codes(tmp_path, callbacks) == ["GS514"]


IGNORED = [
    *(
        0xAD,
        0x34F,
        0x61C,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180C,
        0x180D,
        0x180E,
        0x180F,
        0x3164,
        0xFEFF,
        0xFFA0,
    ),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)),
    *(*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000, 0x55)),
    *(0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF, 0xE0FFF),
]
"""Code points that Unicode calls ignorable by default: file systems that know no case leave them out of names."""


def test_letters_that_file_systems_leave_out_stand_in_no_path() -> None:
    """Neither a file of graphspec's own, nor the file of another callback, is named by a name that holds one."""
    for code in IGNORED:
        for text in (
            f"spec{chr(code)}.yaml",
            f"{chr(code)}a.csv",
            f"kept{chr(code)}/a.csv",
            f"{{epoch}}{chr(code)}.keras",
        ):
            with pytest.raises(UnsafePathError, match="invisible"):
                run_path(text, takes_placeholders=True)


def test_names_are_compared_as_every_file_system_compares_them(tmp_path: Path) -> None:
    """Whether case is dropped upwards or downwards, and however a letter is composed, two such names are one."""
    for one, other in (
        ("ı.csv", "I.csv"),
        ("ß.csv", "SS.csv"),
        ("é.csv", "e\u0301.CSV"),
        ("K.csv", "k.csv"),
        ("ς", "Σ"),
    ):
        assert codes(tmp_path, f"{{CSVLogger: {quoted(one)}}}, {{CSVLogger: {quoted(other)}}}") == ["GS514"], one
    assert codes(tmp_path, "{CSVLogger: größe.csv}, {CSVLogger: 重み.csv}, {CSVLogger: 🙂.csv}") == []


def test_log_and_callbacks_do_not_write_the_same(tmp_path: Path) -> None:
    """What `log` writes counts as well."""
    (tmp_path / "small.yaml").write_text(
        SPEC % "{CSVLogger: log.csv}" + "  log: [csv, tensorboard]\n", encoding="utf-8"
    )
    assert [each.rule.code for each in graphspec.validate(tmp_path / "small.yaml")] == ["GS514"]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "monitor: val_mae, save_best_only: true",
        "monitor: mae, save_best_only: true",
        "monitor: loss, save_best_only: true",
        "save_best_only: true, save_freq: 3",
        "save_best_only: true, mode: max",
    ],
)
def test_best_model_of_the_run_is_written_by_what_means_the_same(tmp_path: Path, more: str) -> None:
    """`best.keras` of another meaning would be lost when the run writes its own, and is a finding."""
    assert codes(tmp_path, f"{{ModelCheckpoint: {{filepath: best.keras, {more}}}}}") == ["GS514"]


def test_overrides_includes_and_searches_are_held_to_the_same(tmp_path: Path) -> None:
    """A path is a finding whether `--set`, a variable, or a value that is searched for brings it in."""
    assert codes(tmp_path, "{CSVLogger: log.csv}", "training.callbacks[0].CSVLogger=../x") == ["GS514"]
    assert codes(tmp_path, "TensorBoard", "training.callbacks[0].TensorBoard.log_dir=/x") == ["GS514"]
    path = tmp_path / "vars.yaml"
    path.write_text((SPEC % '{CSVLogger: "${where}/log.csv"}') + "vars: {where: logs}\n", encoding="utf-8")
    assert not list(graphspec.validate(path))
    assert [each.rule.code for each in graphspec.validate(path, ["vars.where=.."])] == ["GS514"]
    search = "search: {parameters: {vars.where: [logs, kept, ..]}}\n"
    path.write_text(path.read_text(encoding="utf-8") + search, encoding="utf-8")
    (found,) = graphspec.validate(path)
    assert found.rule.code == "GS513"
    assert "`..`" in found.message


def test_plugins_are_held_to_paths_in_the_run_where_an_argument_names_one(tmp_path: Path) -> None:
    """A callback of a plugin has no path outside under the names that Keras' own callbacks use."""
    for argument in CALLBACK_PATHS:
        form = '"acme>Logger": {%s: "%s"}'
        path = tmp_path / "plugin.yaml"
        for text, expected in (("../x", ["GS514"]), ("kept/x", [])):
            path.write_text(f"plugins: [acme]\n{SPEC % ('{' + form % (argument, text) + '}')}", encoding="utf-8")
            assert [each.rule.code for each in graphspec.validate(path)] == expected, argument
