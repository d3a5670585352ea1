"""A number → the bytes of a `.keras` archive, mutated until it may be anything."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.from_keras.fuzzing.configs import Case
from tests.from_keras.fuzzing.configs import make_case as make_config
from tests.from_keras.fuzzing.corpus import Corpus

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
Members = list[tuple[zipfile.ZipInfo, bytes]]


def make_case(archives: dict[str, bytes], corpus: Corpus, seed: int, number: int) -> Case:
    """Return case `number` of `seed`. corpus: the configurations in the archives, by the same names."""
    rng = random.Random(f"archive:{seed}:{number}")
    name = rng.choice(list(archives))
    if number % 25 == 0:
        return Case(f"{name}: as it is", archives[name], ".keras")
    what = rng.choice(list(_EDITS))
    return Case(f"{name}: {what}", _EDITS[what](archives[name], rng, Corpus({name: corpus.texts[name]})), ".keras")


def archives_of(folder: Path) -> dict[str, bytes]:
    """Return the archives in a folder by the names of their models."""
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.keras"))}


def _members(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(each, archive.read(each)) for each in archive.infolist()]


def _packed(members: Members) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")  # two members of one name
        for info, data in members:
            archive.writestr(info, data, compress_type=info.compress_type)
    return file.getvalue()


def _is_state(info: zipfile.ZipInfo) -> bool:
    return info.filename not in (CONFIG, "metadata.json")


def _configured(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Mutate the configuration."""
    case = make_config(corpus, rng.randrange(10**6), rng.randrange(1, 50))
    return _packed([(info, case.data if info.filename == CONFIG else each) for info, each in _members(data)])


def _without(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    members = _members(data)
    members.remove(rng.choice(members))
    return _packed(members)


def _twice(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    members = _members(data)
    info, each = rng.choice(members)
    members.insert(rng.randrange(len(members)), (info, each[: rng.randrange(len(each) + 1)]))
    return _packed(members)


def _junk(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Change the bytes of a member, with the checksum of what it then is."""
    members = _members(data)
    at = rng.choice([at for at, (info, _) in enumerate(members) if _is_state(info)])
    info, content = members[at]
    changed = bytearray(content)
    match rng.randrange(5):
        case 0:
            del changed[rng.randrange(len(changed) + 1) :]
        case 1:
            changed[:] = rng.randbytes(rng.choice((1, 100, 5_000)))
        case 2:
            changed[:8] = b"\x89HDF\r\n\x1a\n"
            del changed[rng.choice((8, 50, 200)) :]
        case _:
            for _ in range(rng.choice((1, 3, 20))):
                if changed:
                    changed[rng.randrange(len(changed))] = rng.randrange(256)
    members[at] = (info, bytes(changed))
    return _packed(members)


def _words(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Replace what a preprocessing layer knows."""
    texts = (
        *(b"", b"\n", b"a", b"\xff\xfe", b"a\nb\n\nc", b"1\nx"),
        "é\u2028b\u0085c\n\ud800".encode("utf-8", "surrogatepass"),
        *(b"a\na\na\nb\nc", b"[UNK]\n[UNK]", b"\x00\n\x01", b"1" * 5_000, b"1\n2\n3\n4", b"NaN\n1"),
        *(b"[1]\n2", b"x\n" * 10**6),
        *(b"${x}\n${1/0}\nno\n~", b"w" * 10**7, "\n".join(f"w{number}" for number in range(30)).encode()),
    )  # fmt: skip
    members = _members(data)
    places = [at for at, (info, _) in enumerate(members) if info.filename.endswith("vocabulary.txt")]
    if not places:
        return _junk(data, rng, corpus)
    at = rng.choice(places)
    members[at] = (members[at][0], rng.choice(texts))
    return _packed(members)


def _named(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Give a member an odd name, or make it a link."""
    members = _members(data)
    at = rng.randrange(len(members))
    info, content = members[at]
    odd = ("../x", "/etc/passwd", "..\\x", "", "a\0b", "config.json/", "CONFIG.JSON", "é", "x" * 60_000, "assets/../x")
    new = zipfile.ZipInfo(rng.choice((*odd, info.filename)))
    if rng.random() < 0.5:
        new.create_system, new.external_attr = 3, 0o120777 << 16
        content = rng.choice((content, b"/etc/passwd", b"config.json"))
    members[at] = (new, content)
    return _packed(members)


def _compressed(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    members = _members(data)
    for info, _ in members:
        info.compress_type = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return _packed(members)


def _bomb(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Let a member unpack to far more than it takes."""
    members = _members(data)
    at = rng.randrange(len(members))
    info, content = members[at]
    info.compress_type = zipfile.ZIP_DEFLATED
    filling = rng.choice((b" ", b"\0", b"a\n"))
    members[at] = (info, content + filling * (rng.choice((10, 100)) * 2**20 // len(filling)))
    return _packed(members)


def _headers(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    """Change a field of the headers of a member: flags, method, checksum, sizes, offset."""
    changed = bytearray(data)
    central = [at for at in range(len(data) - 4) if data[at : at + 4] == b"PK\x01\x02"]
    at = rng.choice(central)
    local = struct.unpack("<L", data[at + 42 : at + 46])[0]
    value = rng.choice((0, 1, 2**31, 2**32 - 1, rng.randrange(2**32)))
    match rng.randrange(6):
        case 0:  # encrypted
            changed[at + 8] |= 1
            changed[local + 6] |= 1
        case 1:
            changed[at + 10 : at + 12] = changed[local + 8 : local + 10] = struct.pack("<H", rng.choice((1, 8, 9, 99)))
        case 2:
            changed[at + 16 : at + 20] = struct.pack("<L", value)
        case 3:
            changed[at + 24 : at + 28] = struct.pack("<L", value)
        case 4:
            changed[at + 20 : at + 24] = struct.pack("<L", value)
        case _:
            changed[at + 42 : at + 46] = struct.pack("<L", value)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    return data[: rng.randrange(len(data))] if rng.random() < 0.5 else data[rng.randrange(len(data)) :]


def _flipped(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _around(data: bytes, rng: random.Random, corpus: Corpus) -> bytes:
    junk = rng.randbytes(rng.choice((1, 50, 5_000)))
    return rng.choice((junk + data, data + junk, data + data))


_EDITS: dict[str, Callable[[bytes, random.Random, Corpus], bytes]] = {
    "another configuration": _configured,
    "its configuration again": _configured,
    "a member less": _without,
    "a member twice": _twice,
    "junk in a member": _junk,
    "more junk in a member": _junk,
    "other words": _words,
    "an odd name": _named,
    "compressed": _compressed,
    "a member that unpacks to much": _bomb,
    "other headers": _headers,
    "cut": _cut,
    "bits flipped": _flipped,
    "something around it": _around,
}
