"""``secretary up``: prepares the data folder, downloads models, starts Ray, Serve and the graph, waits for Ctrl-C."""

import asyncio
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from deployments.administration.office.preparation import FirstCredentials, prepare_installation
from deployments.arguments import SecretaryArgs
from deployments.command import ray_environment
from deployments.command.announcement import Announcement
from deployments.command.gpu_table import check_gpus_before_start
from deployments.command.graph import Graph
from deployments.command.haproxy.configuration import HaproxySetup
from deployments.command.haproxy.frontend import HaproxyFrontend
from deployments.command.haproxy.supervisor import HaproxySupervisor
from deployments.command.model_commands import pull_models_by_id
from deployments.command.pid_file import PidFile, lock_data_folder, read_pid_file, remove_pid_file, write_pid_file
from deployments.command.ports import listen, require_bindable_address
from deployments.command.process_control import find_processes, terminate_processes
from deployments.command.readiness import fetch_notes
from deployments.command.signals import handle_stop_signals
from deployments.command.startup import StartupMonitor
from deployments.contracts.errors import GpuMemoryLacking, Unavailable
from deployments.graph_validation import iter_hosting
from deployments.models.store import ModelStore
from deployments.process_log import close_log, open_log
from storage.environment import Environment

if TYPE_CHECKING:
    from deployments.cluster import BackgroundEventLoop

_DEPLOY_TIMEOUT_S = 300.0
_READY_TIMEOUT_S = 240.0
_TERMINATE_TIMEOUT_S = 5.0


class ForegroundRun:
    """One run of the secretary, from start to stop."""

    def __init__(self, environment: Environment, graph: Graph, console: Console, *, fast: bool = True) -> None:
        self._environment = environment
        self._graph = graph
        self._console = console
        self._fast = fast
        self._run_dir = environment.data / "run"
        self._run_id = ray_environment.new_run_id()
        self._started = time.monotonic()
        self._event_loop: BackgroundEventLoop | None = None
        self._haproxy: HaproxySupervisor | None = None
        self._url = self._pid_file().url
        panel = f"{environment.public_url or self._url}/admin/ui/"
        self._announcement = Announcement(console, self._url, panel)

    def run(self, *, pull: bool = True) -> int:
        """Runs until Ctrl-C or SIGTERM and returns the exit status. No process survives, also after an error."""
        with lock_data_folder(self._run_dir):
            self._end_leftovers()
            write_pid_file(self._run_dir, self._pid_file())
            try:
                self._run(pull)
            finally:
                remove_pid_file(self._run_dir)
        return 0

    def _run(self, pull: bool) -> None:
        self._print_unused_keys()
        require_bindable_address(self._environment.host, self._environment.port)
        self._announcement.credentials = asyncio.run(self._prepare())
        stop = threading.Event()
        with handle_stop_signals(stop.set) as install_handlers:
            try:
                if pull:
                    self._pull(stop)
                self._check_gpus()
                self._start(stop, install_handlers)
                if not stop.is_set():
                    self._announcement.print_ready(time.monotonic() - self._started, fetch_notes(self._url))
                    stop.wait()
            finally:
                self._announcement.print_credentials()
                self._end()

    def _print_unused_keys(self) -> None:
        unused = self._graph.unused_keys(self._environment.host, self._environment.port)
        if unused:
            self._step("graph", f"not used by `secretary up`, only by `serve deploy`: {', '.join(unused)}")

    async def _prepare(self) -> FirstCredentials | None:
        self._step("storage", f"database and keys in {self._environment.data}")
        return await prepare_installation(self._environment)

    def _pull(self, stop: threading.Event) -> None:
        store = ModelStore(self._environment.models_dir)
        missing = [model for model in self._graph.model_ids() if not store.is_installed(model)]
        if missing:
            self._step("models", f"pulling {', '.join(missing)}")
            try:
                pull_models_by_id(missing, store, self._environment, cancel=stop)
            except (typer.Exit, typer.BadParameter):
                self._step("models", "not all models are installed; engines without a model report it")

    def _check_gpus(self) -> None:
        """Raises GpuMemoryLacking before anything starts on a card."""
        arguments = self._graph.secretary_arguments()
        store = ModelStore(self._environment.models_dir)
        if not check_gpus_before_start(arguments, self._run_dir, store, self._console):
            raise GpuMemoryLacking("the engines do not fit into the memory of the GPUs; see the lines above")

    def _start(self, stop: threading.Event, install_handlers: Callable[[], None]) -> None:
        """Runs the steps in order until ``stop`` is set."""
        if stop.is_set():
            return
        require_bindable_address(self._environment.host, self._environment.port)
        if self._fast:
            self._haproxy = self._open_door()
        self._set_environment()
        if self._haproxy is not None:
            self._haproxy.start()
        steps = partial(self._start_ray, stop, install_handlers), self._start_serve, partial(self._deploy, stop)
        for step in steps:
            if not stop.is_set():
                step()

    def _set_environment(self) -> None:
        open_log(self._environment.data / "logs", "console")
        ray_environment.haproxy_directory(self._run_id).mkdir(mode=0o700, exist_ok=True)
        ray_environment.make_ray_token_private(Path.home())
        metrics = self._run_dir / "metrics"
        metrics.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in metrics.glob("*.db"):
            old.unlink()
        variables = ray_environment.ray_environment(
            self._run_dir, self._run_id, fast=self._fast, trusted=self._environment.trusted_networks
        )
        os.environ.update(variables)
        os.environ["PYTHONPATH"] = ray_environment.python_path(os.environ.get("PYTHONPATH"))

    def _open_door(self) -> HaproxySupervisor:
        """Listens on the address. HAProxy, once started, answers 503 until the applications run."""
        listener = listen(self._environment.host, self._environment.port)
        frontend = HaproxyFrontend(
            trusted_proxies=self._environment.trusted_networks,
            max_connections_per_address=self._environment.connections_per_address,
        )
        prefixes = tuple(application.route_prefix or "" for application in self._graph.applications)
        folder = ray_environment.haproxy_directory(self._run_id)
        return HaproxySupervisor(HaproxySetup(listener.fileno(), folder, frontend, prefixes), listener)

    def _start_ray(self, stop: threading.Event, install_handlers: Callable[[], None]) -> None:
        self._step("ray", "starting")
        from deployments import cluster

        if stop.is_set():
            return
        builders = [application.import_path for application in self._graph.applications]
        self._preloading = threading.Thread(
            target=cluster.preload_builders, args=(builders,), name="preload", daemon=True
        )
        self._preloading.start()
        try:
            cluster.start_ray()
        except SystemExit:
            stop.set()  # the SIGTERM handler of Ray while it starts
        except Exception as error:
            raise Unavailable(f"Ray does not start: {error}") from error
        finally:
            install_handlers()  # Ray has replaced the handlers

    def _start_serve(self) -> None:
        from deployments import cluster

        self._step("serve", f"listening on {self._url}")
        options = self._graph.http_options
        cluster.start_serve(self._environment.host, self._environment.port, options.keep_alive_timeout_s)

    def _deploy(self, stop: threading.Event) -> None:
        from deployments import cluster

        self._step("graph", ", ".join(application.name for application in self._graph.applications))
        self._preloading.join()
        targets = [
            cluster.ApplicationTarget(a.name, a.route_prefix, a.import_path, self._graph.arguments(a))
            for a in self._graph.applications
        ]
        cluster.check_resources([hosting for target in targets for hosting in iter_hosting(target.arguments)])
        cluster.deploy(targets, stop.is_set, lambda name: self._step(name, "running"), _DEPLOY_TIMEOUT_S)
        self._event_loop = cluster.BackgroundEventLoop()
        clients = cluster.engine_clients(_engines(self._graph.secretary_arguments()))
        monitor = StartupMonitor(clients, self._url, self._step)
        self._event_loop.run(monitor.wait(stop.is_set, _READY_TIMEOUT_S))

    def _end_leftovers(self) -> None:
        """Ends the processes of an earlier start that was killed."""
        previous = read_pid_file(self._run_dir)
        if previous is not None:
            remaining = find_processes(previous.run_id)
            if remaining:
                self._step("storage", f"ending {len(remaining)} processes of a start that was killed")
                terminate_processes(remaining, _TERMINATE_TIMEOUT_S)
            shutil.rmtree(ray_environment.haproxy_directory(previous.run_id), ignore_errors=True)

    def _pid_file(self) -> PidFile:
        return PidFile.of_this_process(self._run_id, self._environment.host, self._environment.port)

    def _end(self) -> None:
        self._step("stop", "ending Serve and Ray")
        try:
            if "deployments.cluster" in sys.modules:
                from deployments import cluster

                cluster.stop()
            if self._event_loop is not None:
                self._event_loop.stop()
        finally:
            if self._haproxy is not None:
                self._haproxy.stop()
            self._remove_leftovers()
            close_log()

    def _remove_leftovers(self) -> None:
        """Ends the remaining processes and removes the files of this run."""
        killed = terminate_processes(find_processes(self._run_id), _TERMINATE_TIMEOUT_S)
        shutil.rmtree(ray_environment.haproxy_directory(self._run_id), ignore_errors=True)
        remove_pid_file(self._run_dir)
        self._step("stop", "everything has ended" + (f"; {killed} processes had to be killed" if killed else ""))

    def _step(self, what: str, text: str) -> None:
        elapsed = time.monotonic() - self._started
        line = f"[dim]{elapsed:5.1f} s[/dim]  {what:<12} {escape(text)}"
        self._console.print(line, highlight=False, soft_wrap=True)


def _engines(args: SecretaryArgs) -> tuple[str, ...]:
    from deployments import names

    recognition = (names.RECOGNITION,) if args.recognition else ()
    return (*(chat.name for chat in args.chats), *(voice.name for voice in args.voices), *recognition)
