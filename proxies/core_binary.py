"""Finds the core program: a configured path, ``./bin``, the data folder, then PATH; xray before v2ray."""

import asyncio
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.contracts.commands import secretary_command
from proxies.core_config import CoreKind
from proxies.errors import CoreFailed, CoreMissing

INSTALL_COMMAND = secretary_command("proxies install")
_KINDS: tuple[CoreKind, ...] = ("xray", "v2ray")
_VERSION = re.compile(r"^(xray|v2ray)\s+v?(\d[\w.]{0,20})", re.IGNORECASE)
_VERSION_TIMEOUT_S = 5.0
_BARE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class CoreBinary:
    path: Path
    kind: CoreKind
    version: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command that reads a configuration in JSON from the standard input."""
        run = ("run",) if self.kind == "xray" else ()
        return (str(self.path), *run, "-config", "stdin:", "-format", "json")


def find_core(
    configured: Path | None, folders: Iterable[Path], environment: Mapping[str, str] = os.environ
) -> CoreBinary:
    """The program to use, without its version. A ``configured`` path that does not exist is an error, not a reason to
    look elsewhere. Raises CoreMissing."""
    if configured is not None:
        if not _is_program(configured):
            raise CoreMissing(f"there is no program at SECRETARY_XRAY={configured}")
        return CoreBinary(configured, "v2ray" if "v2ray" in configured.name.lower() else "xray")
    places = [str(folder.resolve()) for folder in folders]
    search = os.pathsep.join([*places, environment.get("PATH", os.defpath)])
    for kind in _KINDS:
        if found := shutil.which(kind, path=search):
            return CoreBinary(Path(found), kind)
    raise CoreMissing(f"xray is not installed: {INSTALL_COMMAND}")


async def read_version(binary: CoreBinary) -> CoreBinary:
    """``binary`` with its version and the kind that it reports. Raises CoreFailed."""
    flag = "version" if binary.kind == "xray" else "-version"
    try:
        process = await asyncio.create_subprocess_exec(
            str(binary.path),
            flag,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_BARE_ENVIRONMENT,
        )
    except OSError as error:
        raise CoreFailed(f"{binary.path} cannot be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(_VERSION_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise CoreFailed(f"{binary.path} does not tell its version") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = _VERSION.match(output[:200].decode("ascii", "replace"))
    if found is None:
        raise CoreFailed(f"{binary.path} is neither xray nor v2ray")
    return CoreBinary(binary.path, "xray" if found[1].lower() == "xray" else "v2ray", found[2])


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
