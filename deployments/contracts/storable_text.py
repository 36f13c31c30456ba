"""Text that every supported database can store."""

from typing import Annotated

from pydantic import AfterValidator


def replace_unstorable_characters(text: str) -> str:
    """Replaces null characters and lone surrogates, which PostgreSQL and UTF-8 cannot store, by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


StorableText = Annotated[str, AfterValidator(replace_unstorable_characters)]
