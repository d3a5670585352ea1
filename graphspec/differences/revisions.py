"""Files of a git revision, read in the place of those in the working tree."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_REVISION
from graphspec.files import is_folder, read_bytes
from graphspec.language.document.limits import MAX_BYTES

_TIMEOUT = 30
_SETTINGS = ("-c", "protocol.allow=never", "-c", "core.fsmonitor=false")
"""Nothing is fetched, and no program of the repository's settings is started."""
_QUIET = {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class Revision(Mapping[str, bytes]):
    """The files of a revision by their real paths in the working tree, each read when it is asked for.

    Every path in the working tree belongs to it, so that no file is read from the disk that the revision lacks.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root
        self._read: dict[str, bytes] = {}
        self._asked: set[str] = set()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key != "-" and Path(key).is_relative_to(self.root)

    def __getitem__(self, key: str) -> bytes:
        if key not in self:
            raise KeyError(key)
        self._asked.add(key)
        if key not in self._read:
            self._read[key] = self._blob(Path(key).relative_to(self.root).as_posix(), key)
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def has(self, path: str) -> bool:
        """Return whether the revision has the file at `path`."""
        try:
            self[os.path.realpath(path)]
        except (KeyError, OSError):
            return False
        return True

    def is_as_now(self) -> bool:
        """Return whether the files that were asked for are the same in the working tree."""
        return all(map(self._is_same, self._asked))

    def _is_same(self, key: str) -> bool:
        try:
            now: bytes | None = read_bytes(key, MAX_BYTES + 1)
        except OSError:
            now = None
        return self._read.get(key) == now

    def files_below(self, folder: Path) -> list[Path]:
        """Return the files of the revision that are below a folder of the working tree, or are it."""
        inside = Path(os.path.realpath(folder))
        if not inside.is_relative_to(self.root):
            return []
        # a literal path: in others, git reads globs and `:(...)`
        path = inside.relative_to(self.root).as_posix()
        words = ("--literal-pathspecs", "ls-tree", "-r", "-z", "--name-only", self.name, "--", path)
        listed = _git(*words, folder=self.root)
        names = (listed or b"").split(b"\0")[:-1]
        return [self.root / os.fsdecode(name) for name in names]

    def _blob(self, path: str, key: str) -> bytes:
        """Return a file of the revision. Raises FileNotFoundError if it has none, as `open` does."""
        data = _git("cat-file", "blob", f"{self.name}:{path}", folder=self.root)
        if data is None:
            raise FileNotFoundError(errno.ENOENT, "this revision has no such file", key)
        return data


def is_revision(text: str) -> bool:
    """Return whether `text` has the form `REVISION:path`."""
    revision, colon, path = text.partition(":")
    return bool(revision and colon and path) and not path.startswith("//")


def revision_of(name: str) -> Revision:
    """Return the files of a git revision. Raises SpecError if there is no git, no repository, or no such revision."""
    if name.startswith("-"):
        raise _refused(f"`{name}` is no revision, since it begins with `-`", "name a branch, a tag or a commit")
    top = _git("rev-parse", "--show-toplevel")
    if top is None:
        raise _refused(f"`{name}` is a revision, but this folder is in no git repository", "change to the repository")
    root = Path(os.fsdecode(top.rstrip(b"\r\n"))).resolve()
    if _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=root) is None:
        help = "name a branch, a tag or a commit; `git log --oneline` lists commits"
        raise _refused(f"git knows no revision `{name}`", help)
    return Revision(name, root)


def open_revision(text: str) -> tuple[Revision, Path]:
    """Open a file of a git revision.

    Args:
        text: `REVISION:path`, with the path relative to the top of the repository, or to here with a leading `./`.

    Returns:
        The files of the revision, and the place of the file in the working tree.

    Raises:
        SpecError: There is no git, no repository, no such revision, or the revision does not have the file.
    """
    revision, _, path = text.partition(":")
    found = revision_of(revision)
    root = found.root
    base = Path.cwd() if path.startswith(("./", "../")) else root
    place = Path(os.path.normpath(base / path))
    inside = Path(os.path.realpath(place))
    if not inside.is_relative_to(root):
        raise _refused(f"{path} is outside of the git repository {root}", "name a file of the repository")
    if _git("cat-file", "-e", f"{revision}:{inside.relative_to(root).as_posix()}", folder=root) is None:
        raise _refused(f"the revision {revision} has no file {path}", _elsewhere(found, path, root))
    if (
        str(inside) in found
        and _git("cat-file", "-t", f"{revision}:{inside.relative_to(root).as_posix()}", folder=root) != b"blob\n"
    ):
        raise _refused(f"{path} is a folder in the revision {revision}", "name a spec file")
    return found, Path(os.path.relpath(place))


def _elsewhere(revision: Revision, path: str, root: Path) -> str:
    """Return help for a path that is not in a revision."""
    here = Path(os.path.realpath(path))
    if here.is_relative_to(root) and here != root / path:
        inside = here.relative_to(root).as_posix()
        if _git("cat-file", "-e", f"{revision.name}:{inside}", folder=root) is not None:
            return f"write `{revision.name}:./{path}`: paths start at the top of the repository"
    return f"`git ls-tree -r --name-only {revision.name}` lists its files"


def _git(*arguments: str, folder: Path | None = None) -> bytes | None:
    """Return what a git command prints, at most a little more than a spec may have; None if it fails."""
    command = ["git", *_SETTINGS, *arguments]
    folder = folder or Path()
    try:
        if not is_folder(folder):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        with subprocess.Popen(  # no shell: the arguments reach git as they are
            command,
            cwd=folder,
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            data = process.stdout.read(MAX_BYTES + 2)
            if len(data) > MAX_BYTES + 1:
                process.kill()
                return data
            return data if process.wait(_TIMEOUT) == 0 else None
    except FileNotFoundError:
        raise _refused("there is no git on this machine", "install git, or name files instead of revisions") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _refused(f"git failed: {error}", "try `git status` in this folder") from None


def _refused(message: str, help: str) -> SpecError:
    return SpecError.of(BAD_REVISION, message, help=help)
