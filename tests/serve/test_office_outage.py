"""The office is killed and restarted while the gateway answers."""

import threading
import time

import httpx
import psutil

from tests.serve.admin_client import AdminClient, wait_for_change
from tests.serve.secretary_process import SecretaryProcess, wait_until


class GatewayPoller(threading.Thread):
    """Asks the gateway a prepared question again and again; ``failures`` holds the replies that are no answer."""

    def __init__(self, secretary: SecretaryProcess) -> None:
        super().__init__(daemon=True)
        self._http = secretary.http()
        self._stopped = threading.Event()
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> "GatewayPoller":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join(60)

    def run(self) -> None:
        body = {"model": "secretary", "messages": [{"role": "user", "content": "Спасибо"}]}
        while not self._stopped.wait(0.02):
            try:
                reply = self._http.post("/v1/chat/completions", json=body)
                if reply.is_success and reply.json()["secretary"]["answered_by"].startswith("faq"):
                    self.answers += 1
                else:
                    self.failures.append(f"{reply.status_code} {reply.text[:200]}")
            except httpx.HTTPError as error:
                self.failures.append(repr(error))


def office_is_replaced(secretary: SecretaryProcess, killed: psutil.Process) -> bool:
    try:
        panel = httpx.get(f"{secretary.url}/admin/ui/login", timeout=5)
    except httpx.HTTPError:
        return False
    return panel.is_success and secretary.has_replica("office", other_than=killed.pid)


def test_gateway_answers_while_office_is_down(secretary: SecretaryProcess) -> None:
    with GatewayPoller(secretary) as poller:
        wait_until(lambda: poller.answers, timeout_s=30)
        killed = secretary.replica_process("office")
        before, started = poller.answers, time.monotonic()
        killed.kill()
        wait_until(lambda: office_is_replaced(secretary, killed), timeout_s=90)
        during, outage_s = poller.answers - before, time.monotonic() - started
    assert poller.failures == []
    assert during > outage_s, "at least one answer a second"
    question, answer = "Где стоит лиловый рояль?", "Лиловый рояль стоит в подвале."
    with AdminClient(secretary) as admin:
        admin.post("/faq", {"trigger": question, "response": answer})
        wait_for_change(lambda: admin.answer_to(question) == answer)
