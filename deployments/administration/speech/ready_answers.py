"""Administration of ready answers: make one again, or all. Both are in the audit log."""

from typing import Protocol

from deployments.administration.audit.audit_recorder import AuditRecorder


class PhraseMaker(Protocol):
    async def remake(self, source: str, id: str) -> int: ...

    async def clear(self) -> int: ...


class ReadyAnswerAdministration:
    """The removed phrases are made again when no listener waits."""

    def __init__(self, maker: PhraseMaker, recorder: AuditRecorder) -> None:
        self._maker = maker
        self._recorder = recorder

    async def clear(self, by: str) -> int:
        """Removes every phrase. Returns their number."""

        async def run() -> int:
            await self._recorder.record(by, "clear", "ready_answers")
            return await self._maker.clear()

        return await self._recorder.run_shielded(run)

    async def remake(self, source: str, id: str, by: str) -> int:
        """Removes the phrases of one answer. Returns their number. Raises NotFound when it is not kept ready."""

        async def run() -> int:
            removed = await self._maker.remake(source, id)
            await self._recorder.record(by, "remake", "ready_answer", f"{source}:{id}")
            return removed

        return await self._recorder.run_shielded(run)
