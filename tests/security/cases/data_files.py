"""Data files that carry code, lie about their size, or hide other formats."""

from __future__ import annotations

import struct
import zipfile
import zlib

from . import contents
from .case import CODE, Case, Content, spec
from .contents import PICKLE, link, npy_bytes, png

_OBJECTS = npy_bytes("{'descr': '|O', 'fortran_order': False, 'shape': (8, 4), }", PICKLE)


def _read(file: str) -> str:
    return spec(data=f"{{train: {{inputs: {{x: {file}}}, outputs: {{y: y.npy}}}}}}")


def _header(text: str) -> bytes:
    return npy_bytes(text, bytes(128))


_ARRAYS: dict[str, bytes] = {
    "objects": _OBJECTS,
    "objects in a record": _header("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (8, 4), }"),
    "a call in its header": _header(
        "{'descr': __import__('os').system('touch pwned'), 'fortran_order': False, 'shape': (8,)}"
    ),
    "a header that computes": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (9**9**9, 4), }"),
    "a header of brackets": _header("(" * 60_000),
    "a header of 4 GB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'",
    "a shape beyond all memory": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999, 4), }"),
    "a shape that overflows": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
    "a negative shape": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (-8, 4), }"),
    "a shape of 1,000 axes": _header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 1_000 + "), }"),
    "a huge kind": _header("{'descr': '|V9999999999', 'fortran_order': False, 'shape': (8, 4), }"),
    "a kind that is a path": _header("{'descr': '../../x', 'fortran_order': False, 'shape': (8, 4), }"),
    "a version that there is not": b"\x93NUMPY\x09\x09\x10\x00",
    "a pickle": PICKLE,
    "nothing": b"",
}


_IMAGES: dict[str, Content] = {
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(pwned) (w) file closefile\n",
    "a picture of 4 billion pixels": png(65_535, 65_535),
    "a picture of 200 million pixels": png(20_000, 10_000, bytes(1_000)),
    "a picture that unpacks to 16 MB": png(4_000, 4_000, bytes(4_001 * 4_000)),
    "a picture with texts that unpack": png(
        2, 2, bytes(6), ((b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 1)),)
    ),
    "a drawing of SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "a pickle": PICKLE,
    "a link to the network": b"[InternetShortcut]\nURL=http://127.0.0.1:9/\n",
}
_ZIPS: dict[str, Content] = {
    "a pickle": contents.archive({"a.npy": PICKLE}),
    "objects": contents.archive({"a.npy": _OBJECTS}),
    "members above": contents.archive({"../../a.npy": _OBJECTS, "a.npy": b""}),
    "an absolute member": contents.archive({"/etc/a.npy": _OBJECTS}),
    "a member that is a link": contents.linked_zip("a.npy", "/etc/passwd"),
    "64 MB of zeros": contents.zip_bomb(
        "a.npy", 64, npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (4194304, 4), }")
    ),
    "a gigabyte of header": contents.zip_bomb("a.npy", 1024, b"\x93NUMPY\x02\x00\x00\x00\x00\x40"),
    "a member that lies about its size": contents.lying_zip("a.npy", 2**32 - 2),
    "a member twice": lambda path: _twice(path),
    "no member": contents.archive({}),
}


def _twice(path: object) -> None:
    with zipfile.ZipFile(str(path), "w") as made:
        for data in (b"x", _OBJECTS):
            made.writestr(zipfile.ZipInfo("a.npy"), data)


_ENDLESS_RECORD = struct.pack("<Q", 2**63) + bytes(4)
_TABLES: dict[str, tuple[str, bytes]] = {
    "a formula": ("{file: t.csv, columns: [a, b, c, d]}", b"a,b,c,d\n" + b"=cmd|' /C calc'!A0,1,2,3\n" * 8),
    "a header of a million columns": ("{file: t.csv, columns: [a]}", b"a," * 1_000_000 + b"\n"),
    "a field that never ends": ("{file: t.csv, columns: [a, b, c, d]}", b'a,b,c,d\n"' + b"x" * 5_000_000),
    "NUL in its header": ("{file: t.csv, columns: [a, b]}", b"a\0b,c\n1,2\n"),
    "a header with commands": ("{file: t.csv, columns: [z]}", b'"\n::add-mask::x",b\n1,2\n'),
    "a record of 9 exabytes": ("{file: t.tfrecord, feature: a}", _ENDLESS_RECORD),
    "a record that is a pickle": ("{file: t.tfrecord, feature: a}", PICKLE),
    "lines nested deep": ("{file: t.jsonl, column: a}", b'{"a": ' + b"[" * 100_000),
    "lines with a huge number": ("{file: t.jsonl, column: a}", b'{"a": ' + b"9" * 100_000 + b"}\n"),
    "Parquet that says it is huge": ("{file: t.parquet, column: a}", b"PAR1" + bytes(50) + b"\xff\xff\xff\x7fPAR1"),
    "Parquet of a pickle": (
        "{file: t.parquet, column: a}",
        b"PAR1" + PICKLE + struct.pack("<I", len(PICKLE)) + b"PAR1",
    ),
    "Arrow that says it is huge": (
        "{file: t.arrow, column: a}",
        b"ARROW1\0\0" + b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"ARROW1",
    ),
    "Feather of a pickle": ("{file: t.feather, column: a}", b"FEA1" + PICKLE + b"FEA1"),
}


def _arrow_with_code(path: object) -> None:
    """Write a table whose column is an extension type that old versions of Arrow unpickled."""
    import pyarrow
    from pyarrow import ipc

    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": PICKLE}
    field = pyarrow.field("a", pyarrow.float32(), metadata=metadata)
    table = pyarrow.table([pyarrow.array([1.0] * 8, pyarrow.float32())], pyarrow.schema([field], {b"pandas": PICKLE}))
    with ipc.new_file(str(path), table.schema) as made:
        made.write_table(table)


CASES = [
    *(Case(f"an array of {what}", _read("d.npy"), {"d.npy": data}, trains=True) for what, data in _ARRAYS.items()),
    *(
        Case(f"an archive of {what}", _read("{file: d.npz, key: a}"), {"d.npz": content}, refused=None, trains=True)
        for what, content in _ZIPS.items()
    ),
    *(
        Case(
            f"a table with {what}", _read(source), {source.partition("file: ")[2].partition(",")[0]: data}, refused=None
        )
        for what, (source, data) in _TABLES.items()
    ),
    *(
        Case(
            f"an image that is {what}",
            spec(
                inputs="{x: [2, 2, 1]}",
                outputs="{y: {from: x, apply: [Flatten, {Dense: 1}], loss: mse}}",
                data="{train: {inputs: {x: {files: 'img/*.png', decode: image, size: [2, 2], channels: 1}}, "
                "outputs: {y: y.npy}}}",
            ),
            {f"img/{number}.png": content for number in range(8)},
            refused=None,
        )
        for what, content in _IMAGES.items()
    ),
    Case(
        "a table of an extension type with a pickle",
        _read("{file: t.arrow, column: a}"),
        {"t.arrow": _arrow_with_code},
        refused=None,
    ),
    Case(
        "an array by a link out of the project",
        _read("far.npy"),
        {"far.npy": link("../outside/a.npy"), "../outside/a.npy": contents.npy(8, 4)},
        refused=None,
        reads=("../outside/a.npy",),
    ),
    Case(
        "an array with code after it",
        _read("d.npy"),
        {"d.npy": npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (8, 4), }", bytes(128) + CODE.encode())},
        refused=None,
    ),
    Case(
        "an initializer of objects",
        spec(outputs="{y: {from: x, apply: {Dense: {units: 1, kernel_initializer: {file: k.npy}}}, loss: mse}}"),
        {"k.npy": _OBJECTS},
        refused=None,
        trains=True,
    ),
    Case(
        "an initializer of a pickle",
        spec(
            outputs="{y: {from: x, apply: {Dense: {units: 1, kernel_initializer: {file: k.npz, key: a}}}, loss: mse}}"
        ),
        {"k.npz": contents.archive({"a.npy": PICKLE})},
        refused=None,
        trains=True,
    ),
    Case(
        "a vocabulary of 9,999 bells",
        _read("{file: t.csv, column: a, vocabulary: [" + '"\\a", ' * 9_999 + "x]}"),
        {"t.csv": "a\n\a\n"},
    ),
]
