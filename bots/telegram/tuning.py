"""The pace of a bot: every time limit and bound in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """Defaults suit Telegram's own limits; tests shorten them. All times in seconds.

    ``oldest_message_s`` is the policy for messages that waited at Telegram while the bot was away: younger ones are
    answered, older ones are skipped, so that a short restart loses nothing and a long outage ends without a flood.
    """

    poll_s: int = 25
    request_s: float = 30.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 60.0
    send_attempts: int = 4
    longest_flood_wait_s: float = 60.0
    longest_poll_flood_wait_s: float = 900.0
    oldest_message_s: float = 900.0
    turn_s: float = 300.0
    action_every_s: float = 4.5
    stop_grace_s: float = 8.0
    farewell_s: float = 3.0
    concurrent_turns: int = 8
    waiting_per_chat: int = 5
    waiting_overall: int = 200
    file_bytes: int = 20 * 1024 * 1024
    longest_voice_s: float = 600.0
