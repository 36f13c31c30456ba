"""All time limits and bounds of a bot."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BotLimits:
    """All times in seconds. The defaults fit the limits of Telegram.

    Messages older than ``max_message_age_s`` are not answered. So a short restart loses no message, and a long outage
    does not end with many late answers.
    """

    poll_timeout_s: int = 25
    request_timeout_s: float = 30.0
    first_retry_s: float = 1.0
    max_retry_s: float = 60.0
    send_attempts: int = 4
    max_flood_wait_s: float = 60.0
    max_poll_flood_wait_s: float = 900.0
    max_message_age_s: float = 900.0
    turn_timeout_s: float = 300.0
    chat_action_interval_s: float = 4.5
    stop_grace_s: float = 8.0
    shutdown_reply_timeout_s: float = 3.0
    max_concurrent_turns: int = 8
    max_waiting_per_chat: int = 5
    max_waiting_overall: int = 200
    max_file_bytes: int = 20 * 1024 * 1024
    max_voice_s: float = 600.0
