"""A target of speech workers that dies of certain texts."""

import os
import signal

from deployments.isolation.frames import Header
from deployments.isolation.handler import Handler, ItemSender


def open_dying(options: Header) -> Handler:
    def handle(header: Header, body: bytes, sender: ItemSender) -> None:
        text = body.decode()
        if text in ("kills!", "kills always"):
            os.kill(os.getpid(), signal.SIGABRT)
        sender.put({"text": text})

    return handle
