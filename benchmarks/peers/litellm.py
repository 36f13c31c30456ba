"""The LiteLLM proxy in its own virtual environment with documented production settings and a mocked answer."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from benchmarks.process_tree import ROOT
from benchmarks.server_process import ServerProcess
from deployments.command.ports import free_port

KEY = "sk-litellm-for-benchmarks-0123456789"
ENVIRONMENT = ROOT / ".venv-litellm"
REQUIREMENTS = ROOT / "benchmarks" / "litellm-requirements.txt"
SETTINGS = "LITELLM_MODE=PRODUCTION, LITELLM_LOG=ERROR, set_verbose off, no callbacks, no database, access log off"
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"uvicorn.access": {"level": "CRITICAL", "propagate": False}},
}


def install() -> None:
    """Creates the environment if it is missing; takes a minute or two."""
    if (ENVIRONMENT / ".installed").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    (ENVIRONMENT / ".installed").touch()


def litellm_server(directory: Path, workers: int, answer: str) -> ServerProcess:
    """A proxy with ``workers`` uvicorn workers whose model replies ``answer`` without a call."""
    parameters = {"model": "openai/mocked", "api_key": "none", "mock_response": answer}
    return litellm_proxy(directory, workers, {"secretary": parameters})


def provider_proxy(directory: Path, base_url: str, models: Sequence[str]) -> ServerProcess:
    """A proxy with one worker in front of a provider in OpenAI's format."""
    parameters = {name: {"model": f"openai/{name}", "api_key": "none", "api_base": base_url} for name in models}
    return litellm_proxy(directory, 1, parameters)


def litellm_proxy(directory: Path, workers: int, models: Mapping[str, Mapping[str, str]]) -> ServerProcess:
    """A proxy with ``workers`` uvicorn workers. ``models``: name -> parameters of litellm."""
    port = free_port()
    config, logging = directory / "litellm.yaml", directory / "litellm-logging.json"
    config.write_text(yaml.safe_dump(_config(models)))
    logging.write_text(json.dumps(_LOGGING))
    command = [str(ENVIRONMENT / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", str(workers), "--log_config", str(logging)]
    environment = {
        "LITELLM_MASTER_KEY": KEY,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PATH": os.pathsep.join((str(ENVIRONMENT / "bin"), os.environ["PATH"])),
    }
    server = ServerProcess(f"litellm-{workers}", command, directory / f"litellm-{workers}.log", environment)
    server.port = port
    return server


def _config(models: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    return {
        "model_list": [{"model_name": name, "litellm_params": dict(each)} for name, each in models.items()],
        "litellm_settings": {"set_verbose": False, "request_timeout": 60},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }
