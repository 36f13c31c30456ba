"""What people and models say, as every database holds it."""

from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """``text`` with U+FFFD for what PostgreSQL and UTF-8 cannot hold: null characters and halves of surrogate pairs."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")


Storable = Annotated[str, AfterValidator(storable)]
