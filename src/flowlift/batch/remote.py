"""Results at an address that fsspec writes to: s3://, gs://, sftp://, memory://, ..."""

import posixpath
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from flowlift.batch.job import MadeFile
from flowlift.batch.manifest import MANIFEST, Row, rows_of, text_of
from flowlift.detect.optional import import_optional
from flowlift.errors import OutputError
from flowlift.temporary import remove_stale, temporary_name

_EVERY = 10.0  # seconds between two versions of the manifest, which is written as a whole


class AddressTarget:
    """A folder at an address. Object stores append to nothing: rows are gathered, and the manifest replaced every few
    seconds; what it does not tell yet when a run is killed is done again by the next, under the same names.

    Raises OutputError for an address that cannot be used, MissingExtraError.
    """

    def __init__(self, address: str) -> None:
        core = import_optional("fsspec.core", f"writing to {address}", "fsspec")
        self._address = address
        with self._told():
            self._files, self._root = core.url_to_fs(address)
            self._manifest = posixpath.join(self._root, MANIFEST)
            self._sizes = self._listed()
            self._rows = self._told_there() if self._manifest in self._sizes else {}
        self._own: dict[str, Row] = {}
        self._written, self._is_new = time.monotonic(), False
        self._scratch = Path(tempfile.gettempdir())
        remove_stale(self._scratch)

    @property
    def rows(self) -> Mapping[str, Row]:
        return self._rows

    def scratch(self) -> Path:
        folder = self._scratch / temporary_name()
        folder.mkdir(mode=0o700)
        return folder

    def name_of(self, path: Path) -> str:
        return path.as_posix()

    def put(self, files: Iterable[MadeFile]) -> dict[str, tuple[int, str]]:
        told = {}
        for file in files:
            path = posixpath.join(self._root, file.path.as_posix())
            with self._told():
                self._files.makedirs(posixpath.dirname(path), exist_ok=True)
                if isinstance(file.content, bytes):
                    self._files.pipe_file(path, file.content)
                else:
                    self._files.put_file(str(file.content), path)
            self._sizes[path] = file.size
            told[self.name_of(file.path)] = (file.size, file.sha256)
        return told

    def holds(self, row: Row) -> bool:
        places = {posixpath.join(self._root, path): size for path, (size, _) in row.files.items()}
        return all(self._sizes.get(path) == size for path, size in places.items())

    def remove(self, files: Mapping[str, tuple[int, str]]) -> None:
        for name, (size, digest) in files.items():
            path = posixpath.join(self._root, name)
            if self._sizes.get(path) == size:
                with self._told(), suppress(FileNotFoundError):
                    if sha256(self._files.cat_file(path)).hexdigest() == digest:
                        self._files.rm_file(path)
                        del self._sizes[path]

    def add(self, row: Row) -> None:
        self._rows[row.clip] = self._own[row.clip] = row
        self._is_new = True
        if time.monotonic() - self._written > _EVERY:
            self._write()

    def close(self) -> None:
        if self._is_new:
            self._write()

    def _listed(self) -> dict[str, int]:
        """Sizes of all files that are there: one request, not one for each."""
        try:
            found = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        return {path: about["size"] for path, about in found.items()}

    def _told_there(self) -> dict[str, Row]:
        """What the manifest says by now."""
        try:
            return rows_of(self._files.cat_file(self._manifest))
        except FileNotFoundError:
            return {}

    def _write(self) -> None:
        """Our own rows, and what others have written beside them meanwhile."""
        with self._told():
            self._files.makedirs(self._root, exist_ok=True)
            self._rows = {**self._told_there(), **self._own}
            self._files.pipe_file(self._manifest, text_of(self._rows.values()))
        self._written, self._is_new = time.monotonic(), False

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Each store has errors of its own, which have no more in common than being errors."""
        try:
            yield
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise OutputError(f"{self._address}: cannot be used: {said}") from error
