"""The limit of one embeddings request, in tokens of the model."""

from deployments.contracts.errors import TextTooLong


def check_embedding_tokens(tokens: int, most: int | None) -> None:
    """Raises TextTooLong for more than ``most`` tokens."""
    if most is not None and tokens > most:
        raise TextTooLong(
            f"The texts of one request have at most {most} tokens together (limits.max_embedding_tokens).",
            param="input",
        )
