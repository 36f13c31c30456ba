"""``secretary proxies``: installs xray, shows which one is used, and tries links."""

import asyncio
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer

from deployments.administration.proxies.links import check_text
from deployments.administration.proxies.proxy_test import ProxyTestResult
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import SecretaryError
from deployments.contracts.outbound import AllowedHost
from deployments.outbound.blocking import BlockingClient
from deployments.outbound.client import CheckedClient
from deployments.outbound.policy import OutboundPolicy
from deployments.outbound.redirects import RedirectPolicy
from deployments.outbound.response_body import OutboundLimits
from deployments.outbound.target import parse_target
from deployments.proxy_pools import core_finder, core_folder
from deployments.proxy_test import ProxyTester, describe_core
from proxies.errors import ProxyError
from proxies.links import parse_links
from proxies.release import DOWNLOAD_HOSTS, MAX_ARCHIVE_BYTES, CoreRelease, find_release, unpack
from storage.environment import Environment

app = typer.Typer(help="Proxies of cloud providers and bots.", no_args_is_help=True)

_DOWNLOAD_LIMITS = OutboundLimits(10, 30, 1800, MAX_ARCHIVE_BYTES)
_DEFAULT_TARGET = "https://generativelanguage.googleapis.com/v1beta/models"


@app.command()
def status() -> None:
    """Shows which program speaks VLESS on this machine."""
    found = asyncio.run(describe_core(core_finder(Environment())))
    if not found.installed:
        typer.echo(f"{found.error}\nInstall it: {found.remedy}")
        raise typer.Exit(1)
    typer.echo(f"{found.program} {found.version}: {found.path}")


@app.command()
def install(
    archive: Annotated[
        Path | None, typer.Option(help="The release archive, downloaded elsewhere; its hash is checked all the same")
    ] = None,
) -> None:
    """Downloads the pinned release of xray, checks its hash and puts it into <data>/bin."""
    try:
        release = find_release(platform.system(), platform.machine())
        content = _download(release) if archive is None else archive.read_bytes()
        path = unpack(content, release, core_folder(Environment()))
    except OSError as error:
        raise _failure(f"{error.filename}: {error.strerror}") from None
    except ProxyError as error:
        raise _failure(error.message) from None
    typer.echo(f"xray {release.version} is installed: {path}")


@app.command("test")
def try_links(
    file: Annotated[Path | None, typer.Option(help="File with links, one per line; default: standard input")] = None,
    target: Annotated[str, typer.Option(help="Address that is asked through each link")] = _DEFAULT_TARGET,
) -> None:
    """Tries links or a subscription and prints each result as it comes.

    Links are secrets: they are read from a file or the standard input, because others see the arguments of a command.
    """
    if file is None and sys.stdin.isatty():
        typer.echo("Paste links, one per line, then press Ctrl-D:")
    text = sys.stdin.read() if file is None else file.read_text(encoding="utf-8")
    broken = [line for line in check_text(text) if not line.valid]
    for line in broken:
        typer.echo(f"line {line.line}: {line.error}")
    results = asyncio.run(_try_all(text, target))
    if broken or not results or not all(result.success for result in results):
        raise typer.Exit(1)


async def _try_all(text: str, target: str) -> list[ProxyTestResult]:
    """The operator of this machine may ask any target."""
    links = [line.link for line in parse_links(text) if line.link is not None]
    policy = OutboundPolicy((AllowedHost.parse(parse_target(target).host_and_port),))
    results: list[ProxyTestResult] = []
    async for result in ProxyTester(core_finder(Environment()), lambda: policy)(links, target):
        results.append(result)
        state = f"{result.latency_ms:.0f} ms, answer {result.status_code}" if result.success else result.error
        typer.echo(f"{result.proxy_index + 1}. {result.proxy_remark or result.host} ({result.kind}): {state}")
    return results


def _download(release: CoreRelease) -> bytes:
    typer.echo(f"Downloading {release.url} ...")
    client = CheckedClient(OutboundPolicy, _DOWNLOAD_LIMITS, redirects=RedirectPolicy(DOWNLOAD_HOSTS))
    with BlockingClient(client) as blocking:
        try:
            reply = blocking.fetch(release.url)
        except SecretaryError as error:
            raise _failure(_without_network(error.message, release)) from None
    if reply.status != 200:
        raise _failure(_without_network(f"github.com answers {reply.status}", release))
    return reply.body


def _without_network(reason: str, release: CoreRelease) -> str:
    return (
        f"{reason}\nWithout access to GitHub: download {release.archive} {release.version} on another machine, then "
        f"{secretary_command(f'proxies install --archive {release.archive}')}"
    )


def _failure(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
