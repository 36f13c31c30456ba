"""The decoder of foreign audio files in a worker process (``deployments.isolation``).

The body of a call is the file; or it is empty, and ``file`` in the header refers to a memory file.
``{"call": "measure", "max_seconds": …}`` decodes it without keeping the audio and returns ``{"seconds": …,
"rate": …}``, so that an unusable or too long file is refused before its audio is used. ``{"call": "decode",
"max_seconds": …, "rate": …}`` returns PCM16 mono at that rate in Hz, decoded while the caller reads. A call may use a
bounded amount of new memory and CPU time.
"""

import resource
from io import SEEK_END, BytesIO, FileIO

from deployments.audio.decode import AudioFile, decode_blocks, measure_audio
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.errors import TooLarge, UnsupportedAudio
from deployments.contracts.memory_file import FileElsewhere, MemoryFileReference
from deployments.isolation.frames import Header
from deployments.isolation.handler import CallError, Handler, ItemSender

_BLOCK_BYTES = PCM16_16K.size(4)
_MEGABYTE = 1_000_000
_MIN_GROWTH_BYTES = 64 * _MEGABYTE
_GROWTH_PER_FILE_BYTE = 2
_FIRST_CPU_S, _CPU_S_PER_SECOND, _CPU_S_PER_MEGABYTE = 5.0, 0.02, 0.1


def open_decoder(_: Header) -> Handler:
    return answer


def answer(header: Header, body: bytes, sender: ItemSender) -> None:
    """Runs one call. Refuses it with the code and the message of TooLarge or UnsupportedAudio."""
    max_seconds = header["max_seconds"]
    assert isinstance(max_seconds, int | float)
    try:
        with _opened(header, body) as file:
            _limit_call(file.seek(0, SEEK_END), max_seconds)
            if header["call"] == "measure":
                seconds, rate = measure_audio(file, max_seconds)
                sender.put({"seconds": seconds, "rate": rate})
            else:
                wanted = header["rate"]
                assert isinstance(wanted, int)
                _decode(file, wanted, sender)
    except (TooLarge, UnsupportedAudio, FileElsewhere) as error:
        raise CallError(error.code, error.message) from error


def _opened(header: Header, body: bytes) -> FileIO | BytesIO:
    reference = header.get("file")
    return BytesIO(body) if reference is None else MemoryFileReference.from_fields(reference).open()


def _decode(file: AudioFile, rate: int, sender: ItemSender) -> None:
    block = bytearray()
    for pcm in decode_blocks(file, rate):
        block += pcm
        if len(block) >= _BLOCK_BYTES:
            if not sender.put({}, bytes(block)):
                return
            block.clear()
    sender.put({}, bytes(block))


def _limit_call(size: int, max_seconds: float) -> None:
    """Bounds what a file of ``size`` bytes may use: new memory by its size, CPU time by its size and the longest audio
    that is accepted."""
    growth = max(_MIN_GROWTH_BYTES, _GROWTH_PER_FILE_BYTE * size)
    _set_soft_limit(resource.RLIMIT_AS, _address_space_bytes() + growth)
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed_s = _FIRST_CPU_S + _CPU_S_PER_SECOND * max_seconds + _CPU_S_PER_MEGABYTE * size / _MEGABYTE
    _set_soft_limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + allowed_s) + 1)


def _set_soft_limit(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _address_space_bytes() -> int:
    """The size of this process (proc(5), statm)."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
