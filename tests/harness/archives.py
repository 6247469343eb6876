"""Archives for tests, honest and hostile."""

import base64
import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping


def encoded(packed: bytes) -> str:
    """As the API takes it."""
    return base64.b64encode(packed).decode()


def zip_of(files: Mapping[str, str | bytes], *, modes: Mapping[str, int] | None = None) -> bytes:
    """Entries by name; one that ends with a slash is a folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def tar_gz_of(files: Mapping[str, str | bytes], *,
              modes: Mapping[str, int] | None = None) -> bytes:
    return tar_gz_of_entries([
        (tar_entry(name, mode=(modes or {}).get(name, 0o644)), content)
        for name, content in files.items()])


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, *, mode: int = 0o644,
              link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname = kind, mode, link
    return entry


def tar_gz_of_entries(entries: list[tuple[tarfile.TarInfo, str | bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for entry, content in entries:
            data = content.encode() if isinstance(content, str) else content
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def zip_with_symlink(name: str, target: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
    return packed.getvalue()


def zip_with_duplicate(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for content in ("one", "two"):
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def zip_with_nul(name: str) -> bytes:
    """`name` has an X where the NUL goes."""
    return zip_of({name: "x"}).replace(name.encode(), name.replace("X", "\0").encode())
