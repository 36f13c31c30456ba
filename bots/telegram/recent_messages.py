"""A short memory of messages: what was asked in them, so that an edit is answered once and only if it says something
new, and which albums were already answered."""

from collections import OrderedDict


class RecentMessages:
    """Remembers the newest ``size`` keys with a text each."""

    def __init__(self, size: int = 500) -> None:
        self._size = size
        self._texts: OrderedDict[tuple[int, int | str], str] = OrderedDict()

    def remember(self, chat_id: int, key: int | str, text: str) -> bool:
        """Notes ``text``. False when exactly this was noted before."""
        known = self._texts.pop((chat_id, key), None)
        self._texts[chat_id, key] = text
        if len(self._texts) > self._size:
            self._texts.popitem(last=False)
        return known != text

    def contains(self, chat_id: int, key: int | str) -> bool:
        return (chat_id, key) in self._texts
