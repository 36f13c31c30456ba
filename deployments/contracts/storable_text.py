"""What people and models say, as every database holds it."""

from typing import Annotated

from pydantic import AfterValidator


def replace_unstorable_characters(text: str) -> str:
    """``text`` with U+FFFD for what PostgreSQL and UTF-8 cannot hold: null characters and halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


StorableText = Annotated[str, AfterValidator(replace_unstorable_characters)]
