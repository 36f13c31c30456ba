"""Builds the four applications of the graph from the typed arguments in ``graph.yaml``.

secretary  gateway ── faq · chat… · voice… · recognition
office     database, panel, snapshots
phone      websockets for phone lines
bots       a supervisor and one actor per Telegram bot
"""

from pathlib import Path

from ray import serve

from deployments.arguments import BotsArgs, OfficeArgs, PhoneArgs, SecretaryArgs
from deployments.bots import build_bot_supervisor
from deployments.faq import build_faq
from deployments.gateway import build_gateway
from deployments.graph_validation import validate_arguments
from deployments.local_llm import build_local_llm
from deployments.office import build_office_server
from deployments.phone import build_phone_line
from deployments.recognition import build_recognition
from deployments.voice import build_voice
from storage.environment import Environment


def build_secretary(args: SecretaryArgs) -> serve.Application:
    validate_arguments(args)
    environment = Environment()
    models, run_dir = environment.models_dir, environment.data / "run"
    return build_gateway(
        args.gateway,
        _metrics_dir(),
        faq=build_faq(args.faq) if args.faq else None,
        chats={chat.name: build_local_llm(chat, models, run_dir) for chat in args.chats},
        voices={voice.name: build_voice(voice, models, run_dir) for voice in args.voices},
        recognition=build_recognition(args.recognition, models, run_dir) if args.recognition else None,
        cors_origins=environment.allowed_origins,
    )


def build_office(args: OfficeArgs) -> serve.Application:
    validate_arguments(args)
    return build_office_server(args, _metrics_dir())


def build_phone(args: PhoneArgs) -> serve.Application:
    return build_phone_line(args, _metrics_dir())


def build_bots(args: BotsArgs) -> serve.Application:
    validate_arguments(args)
    return build_bot_supervisor(args)


def _metrics_dir() -> Path:
    return Environment().data / "run" / "metrics"
