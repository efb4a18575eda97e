"""A folder that changes as Kubernetes changes a mounted volume: files are links through ..data, which is swapped."""

from __future__ import annotations

from pathlib import Path


class Mounted:
    """The kubelet's AtomicWriter in small."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._version = 0

    def write(self, files: dict[str, str]) -> None:
        """Puts these files in place of all that were there, at one instant."""
        self._version += 1
        version = self.folder / f"..version_{self._version}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text, encoding="utf-8")
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self.folder / "..data")
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        for old in self.folder.iterdir():
            if old.is_symlink() and not old.exists():
                old.unlink()

    def path(self, name: str) -> str:
        """Of a file, as the proxy is told it."""
        return str(self.folder / name)
