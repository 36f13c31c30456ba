"""The engine processes of vLLM."""

import psutil


def engine_processes(process: psutil.Process | None = None) -> list[psutil.Process]:
    """Living engine cores and workers below ``process``, by default below this one, also those that are starting."""
    return [child for child in (process or psutil.Process()).children(recursive=True) if _is_engine(child)]


def engine_core(process: psutil.Process | None = None) -> psutil.Process:
    (core,) = (each for each in engine_processes(process) if "EngineCore" in " ".join(each.cmdline()))
    return core


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_engine(process: psutil.Process) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return ("VLLM::" in command or "spawn_main" in command) and is_alive(process)
