"""Remembers the texts of recent messages, so that an edit is answered only if the text has changed, and the albums that
were answered."""

from collections import OrderedDict


class RecentMessages:
    """The newest ``size`` keys with their texts."""

    def __init__(self, size: int = 500) -> None:
        self._size = size
        self._texts: OrderedDict[tuple[int, int | str], str] = OrderedDict()

    def remember(self, chat_id: int, key: int | str, text: str) -> bool:
        """Stores ``text``. Returns False when the same text was stored before."""
        previous = self._texts.pop((chat_id, key), None)
        self._texts[chat_id, key] = text
        if len(self._texts) > self._size:
            self._texts.popitem(last=False)
        return previous != text

    def contains(self, chat_id: int, key: int | str) -> bool:
        return (chat_id, key) in self._texts
