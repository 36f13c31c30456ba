"""Which phrases should be ready: the texts that a snapshot holds, in the voice of every channel that speaks them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from deployments.contracts.errors import SecretaryError
from deployments.contracts.instances import InstanceSpec
from deployments.contracts.persona import Persona
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import Voice
from deployments.conversation.phrase_cache import PhraseKey
from deployments.conversation.ready.phrase_store import phrase_name
from deployments.conversation.ready.time_templates import (
    local_days,
    rendered_answers,
    spoken_pieces,
    template_constants,
)
from deployments.conversation.spoken_turn import Speaker
from deployments.conversation.voice_catalogue import VoiceCatalogue
from deployments.conversation.voice_parameters import VoiceParameters, voice_parameters
from deployments.text.language import detect_language
from deployments.text.sentences import split_sentences

Source = Literal["faq", "persona", "bot", "widget", "filler"]
_YIELD_EVERY = 50


@dataclass(frozen=True, slots=True)
class WantedAnswer:
    """A text that should be ready. ``names`` are the fingerprints of its phrases, in all voices."""

    source: Source
    id: str
    title: str
    language: str
    voices: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedPhrases:
    """``keys`` by fingerprint, in the order in which they are made. ``voices`` are those that they need."""

    answers: tuple[WantedAnswer, ...] = ()
    keys: dict[str, PhraseKey] = field(default_factory=dict)
    voices: tuple[Voice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Channel:
    """How a door chooses its voice: the one of ``persona`` unless ``voice_id`` names one. ``whole`` texts are speech
    requests, in the language of the whole text; others are answers, in that of their first sentence."""

    persona: Persona | None = field(compare=False)
    voices: tuple[tuple[str, str], ...]
    voice_id: str | None = None
    preset: str | None = None
    whole: bool = False

    @classmethod
    def of(cls, persona: Persona | None, voice_id: str = "", preset: str = "", whole: bool = False) -> "_Channel":
        voices = tuple(sorted(persona.voices.items())) if persona else ()
        return cls(persona, voices, voice_id or None, preset or None, whole)


@dataclass(frozen=True, slots=True)
class _Text:
    source: Source
    id: str
    title: str
    language: str
    variants: tuple[str, ...]
    constants: dict[str, tuple[str, ...]]


_Phrase = tuple[str, PhraseKey, Voice]
"""With its fingerprint."""


class WantedPhrasePlanner:
    """Chooses voices and splits texts as the assistant of a door does. What did not change costs microseconds."""

    def __init__(self, voices: VoiceCatalogue, speaker: Speaker) -> None:
        self._voices = voices
        self._speaker = speaker
        self._conditions: object = None
        self._known: dict[tuple[str, str, _Channel], tuple[_Phrase, ...]] = {}

    async def plan(
        self, snapshot: Snapshot, voices: tuple[Voice, ...], now: datetime, max_phrases: int
    ) -> WantedPhrases:
        """The phrases of ``snapshot`` when ``voices`` are installed. ``now`` is UTC. Texts after the first
        ``max_phrases`` phrases have none: their spoken forms would cost milliseconds each."""
        conditions = (snapshot.model_copy(update={"faq": (), "revision": 0, "api_keys": ()}), voices)
        if conditions != self._conditions:
            self._conditions, self._known = conditions, {}
        catalogue, channels, before, self._known = self._voices.assuming(voices), _channels(snapshot), self._known, {}
        answers: list[WantedAnswer] = []
        keys: dict[str, PhraseKey] = {}
        needed: dict[str, Voice] = {}
        for number, text in enumerate(_texts(snapshot, now)):
            names: dict[str, str] = {}
            for channel in _channels_of(text, snapshot, channels) if len(keys) < max_phrases else ():
                for name, key, voice in await self._phrases(text, channel, snapshot, catalogue, before):
                    names[name] = voice.id
                    keys[name] = key
                    needed[voice.id] = voice
            voice_ids = tuple(dict.fromkeys(names.values()))
            answers.append(WantedAnswer(text.source, text.id, text.title, text.language, voice_ids, tuple(names)))
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return WantedPhrases(tuple(answers), keys, tuple(needed.values()))

    async def _phrases(
        self,
        text: _Text,
        channel: _Channel,
        snapshot: Snapshot,
        catalogue: VoiceCatalogue,
        before: dict[tuple[str, str, _Channel], tuple[_Phrase, ...]],
    ) -> list[_Phrase]:
        found: list[_Phrase] = []
        for variant in text.variants:
            known_as = (variant, text.language, channel)
            phrases = before.get(known_as)
            if phrases is None:
                phrases = tuple(await self._spoken(variant, text, channel, snapshot, catalogue))
            self._known[known_as] = phrases
            found += phrases
        return found

    async def _spoken(
        self, variant: str, text: _Text, channel: _Channel, snapshot: Snapshot, catalogue: VoiceCatalogue
    ) -> list[_Phrase]:
        found: list[_Phrase] = []
        pieces = split_sentences(variant, first_clause=True) or [""]
        for preferred in dict.fromkeys((snapshot.settings.default_language, text.language)):
            sample = variant if channel.whole else pieces[0]
            try:
                parameters = _parameters(sample, preferred, channel, snapshot, catalogue)
            except SecretaryError:
                continue
            if channel.whole:
                pieces = split_sentences(variant, parameters.language, first_clause=True)
            for piece in spoken_pieces(pieces, text.constants):
                if key := await self._speaker.phrase_key(piece, parameters):
                    found.append((phrase_name(key), key, parameters.voice))
        return found


def _parameters(
    sample: str, preferred: str, channel: _Channel, snapshot: Snapshot, catalogue: VoiceCatalogue
) -> VoiceParameters:
    """Raises VoiceNotFound and LanguageNotSupported."""
    if named := catalogue.find(channel.voice_id):
        voice, language = named, detect_language(sample, preferred)
    else:
        voice, language = catalogue.for_text(sample, preferred, snapshot.settings, channel.persona)
    return voice_parameters(voice, language, snapshot, preset=channel.preset)


def _channels(snapshot: Snapshot) -> list[_Channel]:
    """The default persona as the phone, the API and the panel use it, the phone first; bots and widgets; the other
    personas."""
    default = snapshot.persona(None)
    found = [_Channel.of(default, whole=True), _Channel.of(default)]
    speaking = [bot for bot in snapshot.bots if bot.answer_voice_with_voice]
    found += [_channel_of(instance, snapshot) for instance in (*speaking, *snapshot.widgets) if instance.enabled]
    found += [_Channel.of(persona) for persona in snapshot.personas if persona.voices]
    return list(dict.fromkeys(found))


def _channel_of(instance: InstanceSpec, snapshot: Snapshot) -> _Channel:
    return _Channel.of(snapshot.persona(instance.persona_id or None), instance.voice_id, instance.tts_preset)


def _channels_of(text: _Text, snapshot: Snapshot, channels: list[_Channel]) -> list[_Channel]:
    """FAQ answers are given everywhere, other texts by whom they belong to."""
    if text.source == "faq":
        return channels
    if text.source == "filler":
        return channels[:1]
    if text.source == "persona":
        return [_Channel.of(snapshot.persona(text.id))]
    instances: tuple[InstanceSpec, ...] = snapshot.bots if text.source == "bot" else snapshot.widgets
    return [_channel_of(each, snapshot) for each in instances if each.id == text.id]


def _texts(snapshot: Snapshot, now: datetime) -> Iterator[_Text]:
    days = local_days(now, snapshot.settings.time_zone)
    for persona in snapshot.personas:
        for language, answer in persona.fallback_answers.items():
            yield _Text("persona", persona.id, persona.name, language, (answer,), {})
    for language, filler in snapshot.settings.speech.fillers.items():
        yield _Text("filler", language, filler, language, (filler,), {})
    for bot in snapshot.bots:
        if bot.enabled and bot.answer_voice_with_voice and bot.welcome_message:
            yield _Text("bot", bot.id, bot.name, bot.language, (bot.welcome_message,), {})
    for widget in snapshot.widgets:
        if widget.enabled and widget.greeting:
            yield _Text("widget", widget.id, widget.name, widget.language, (widget.greeting,), {})
    for entry in snapshot.faq:
        if entry.enabled:
            constants = template_constants(entry, days)
            variants = tuple(rendered_answers(entry, days))
            yield _Text("faq", str(entry.id), entry.question, entry.language, variants, constants)
