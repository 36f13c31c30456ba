"""An office behind a Unix socket, with one line of JSON per request and per reply, for processes that are killed."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.contracts.chat import SourceKind, TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.reports import DoorReport
from deployments.contracts.streams import Closing
from storage.environment import Environment
from storage.models import ChatMessageRow
from storage.unit_of_work import UnitOfWork
from tests.data_folders import fast_passwords

CLIENT_NAME = "client"
SHOP = TurnSource(SourceKind.TELEGRAM, "shop")
MAX_LINE_BYTES = 1 << 26
Json = dict[str, Any]


def serve_office(data: Path, socket: Path) -> None:
    """Serves the installation in ``data`` until the process ends."""
    asyncio.run(_serve(data, socket))


async def _serve(data: Path, socket: Path) -> None:
    environment = Environment(data=data, admin_password="correct horse battery", api_key="sk-sec-" + "k" * 32)
    office = await open_office(environment, passwords=fast_passwords())
    server = await asyncio.start_unix_server(partial(_handle, office), socket, limit=MAX_LINE_BYTES)
    await server.serve_forever()


async def _handle(office: OfficeServices, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def reply(line: Json) -> None:
        writer.write(json.dumps(line).encode() + b"\n")
        await writer.drain()

    try:
        line = await reader.readline()
        if not line:
            return  # the client has disconnected
        call = json.loads(line)
        if call["call"] == "snapshots":
            async with Closing(office.publisher.subscribe(call["after"], call["subscriber"])) as snapshots:
                async for snapshot in snapshots:
                    await reply({"snapshot": snapshot.model_dump(mode="json")})
        else:
            await reply(await _CALLS[call.pop("call")](office, **call))
    except SecretaryError as error:
        await reply({"error": error.code, "message": error.message})
    except ConnectionError:
        return
    finally:
        writer.close()


async def _report(office: OfficeServices, report: Json) -> Json:
    await office.report_ingest.accept(DoorReport.model_validate(report))
    return {}


async def _open(office: OfficeServices, person: str) -> Json:
    return {"session": (await office.conversations.open(SHOP, person)).session_id}


async def _create(office: OfficeServices, question: str, answer: str) -> Json:
    entry = await office.faq.create(FaqDraft(question=question, answer=answer), CLIENT_NAME)
    return {"id": entry.id, "version": entry.version}


async def _rewrite(office: OfficeServices, id: int, answer: str) -> Json:
    before = await office.faq.get(id)
    draft = FaqDraft(question=before.question, answer=answer)
    return {"version": (await office.faq.update(id, draft, before.version, CLIENT_NAME)).version}


async def _change_settings(office: OfficeServices, max_tokens: int) -> Json:
    before = await office.settings.get()
    changed = before.model_copy(update={"llm": before.llm.model_copy(update={"max_tokens": max_tokens})})
    await office.settings.update(changed, office.publisher.current.revision, CLIENT_NAME)
    return {}


async def _inspect(office: OfficeServices) -> Json:
    """The stored state that the client's changes and reports affect."""
    integrity = await office.database.check_integrity()
    async with office.database.unit_of_work() as work:
        audit = [event for event in await work.audit.newest(1_000_000) if event.username == CLIENT_NAME]
        exchanges = await work.exchanges.newest(1_000_000)
        return {
            "integrity": integrity,
            "revision": await work.revisions.current(),
            "entries": {entry.id: (entry.version, entry.answer, entry.hits) for entry in await work.faq.all()},
            "max_tokens": (await work.settings.get()).llm.max_tokens,
            "audited": Counter(f"{event.action} {event.resource} {event.resource_id}" for event in audit),
            "turns": [exchange.turn_id for exchange in reversed(exchanges)],
            "messages": await _messages(work, exchanges[0].session_id if exchanges else None),
        }


async def _messages(work: UnitOfWork, session_id: str | None) -> list[str]:
    of_session = select(ChatMessageRow).where(ChatMessageRow.session_id == session_id).order_by(ChatMessageRow.id)
    return [f"{row.role} {row.turn_id}" for row in await work.sessions._session.scalars(of_session)]


_CALLS: dict[str, Callable[..., Any]] = {
    "report": _report,
    "open": _open,
    "create": _create,
    "rewrite": _rewrite,
    "change_settings": _change_settings,
    "inspect": _inspect,
}
