"""The worker process: ``python -m deployments.isolation.child SOCKET PARENT_PID NAME``.

Reads the start frame (target, options, limits), loads the target, then answers calls until the socket is closed. Single
threaded and with few imports: its memory is paid for each worker.
"""

import faulthandler
import os
import select
import sys
from importlib import import_module

from deployments.isolation.frames import PREFIX, Header, InvalidFrame, decode_header, encode_frame, frame_sizes
from deployments.isolation.handler import CallError, Handler, ItemSender, Target
from deployments.isolation.limits import allow_cpu_time, apply_limits, end_with_parent

_MAX_READ = 1 << 20


class Connection:
    """Frames over a blocking socket. The process exits when the parent closes its end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read(self) -> tuple[Header, bytes]:
        header_size, body_size = frame_sizes(self._read_bytes(PREFIX.size))
        return decode_header(self._read_bytes(header_size)), self._read_bytes(body_size)

    def write(self, header: Header, body: bytes = b"") -> None:
        view = memoryview(encode_frame(header, body))
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os._exit(0)

    def has_data(self) -> bool:
        return bool(select.select([self._fd], [], [], 0)[0])

    def _read_bytes(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = os.read(self._fd, min(size - len(data), _MAX_READ))
            if not piece:
                os._exit(0)
            data += piece
        return bytes(data)


def serve(connection: Connection) -> None:
    start, _ = connection.read()
    limits = start.get("limits")
    assert isinstance(limits, dict)
    apply_limits(limits)
    handler = _load(connection, start)
    connection.write({"kind": "ready"})
    while True:
        call, body = connection.read()
        if call["kind"] == "call":  # a cancellation may arrive after the call has ended
            allow_cpu_time(limits)
            _answer(connection, handler, call, body)


def _load(connection: Connection, start: Header) -> Handler:
    module, _, name = str(start["target"]).partition(":")
    options = start["options"]
    assert isinstance(options, dict)
    try:
        target: Target = getattr(import_module(module), name)
        return target(options)
    except CallError as error:
        connection.write({"kind": "refused", "code": error.code, "message": error.message})
    except MemoryError:
        connection.write({"kind": "memory"})
    except Exception as error:
        connection.write({"kind": "refused", "code": type(error).__name__, "message": ""})
    os._exit(1)


def _answer(connection: Connection, handler: Handler, call: Header, body: bytes) -> None:
    number, header = call["id"], call["header"]
    assert isinstance(header, dict)

    def send(item: Header, data: bytes) -> None:
        connection.write({"kind": "item", "id": number, "header": item}, data)

    def is_cancelled() -> bool:
        while connection.has_data():
            message, _ = connection.read()
            if message["kind"] == "cancel" and message["id"] == number:
                return True
        return False

    try:
        handler(header, body, ItemSender(send, is_cancelled))
    except CallError as error:
        connection.write({"kind": "refused", "id": number, "code": error.code, "message": error.message})
    except MemoryError:
        connection.write({"kind": "memory", "id": number})
        os._exit(1)
    except InvalidFrame:
        connection.write({"kind": "refused", "id": number, "code": "InvalidFrame", "message": ""})
    except Exception as error:
        connection.write({"kind": "refused", "id": number, "code": type(error).__name__, "message": ""})
    else:
        connection.write({"kind": "end", "id": number})


def main() -> None:
    fd, parent, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    end_with_parent(parent, name)
    faulthandler.enable(all_threads=False)
    try:
        serve(Connection(fd))
    except InvalidFrame:
        os._exit(1)


if __name__ == "__main__":
    main()
