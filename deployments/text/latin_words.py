"""Common words and letters of languages with Latin script. They tell English from German where letters do not."""

from collections import Counter
from collections.abc import Iterable

_WORDS = {
    "en": """
        about and any are be can comment could did do does for from give good has have he hello help hi how if in is it
        know like me much my need no not of on or please say she should show tell thanks that the their there they
        this to translate us want was we what when where which who why will with word would write yes you your
    """,
    "de": """
        aber auf bei bin bist bitte danke das dein dem den der des dich dir du ein eine einen einem einer er es euch für
        gibt guten haben habe hallo heute ich ihnen ihr im ist kann kannst können kommt mein meine mich mir mit möchte
        nach nicht noch oder schon sie sind und uns vom von warum was wenn wer wie wir wo zu zum zur über
    """,
    "fr": """
        au aux avec avez bonjour ce cette combien comment dans de des du elle en est et êtes il je la le les leur ma
        merci mais moi mon nous où ou par pas peux pour pourquoi pouvez que quel quelle qui quoi sa ses si sommes sont
        sur suis très tu un une vous votre à ça
    """,
    "es": """
        al como cómo con cuál cuándo cuánto de del dónde el ella en eres es esta está están este estoy gracias hay
        hola la las lo los me mi muy más para pero por porque puede puedo que quién qué se sí soy su te tengo tu un
        una usted y yo
    """,
    "it": """
        al anche che chi ci ciao come con cosa da dei del della di dove e gli grazie ho il io la le lo ma mi mio nel
        non per perché più posso puoi quale quando quanto questo sei si sono stai su sul ti tu un una vorrei è
    """,
    "pt": """
        ao as com como da das de do dos ela ele em está eu foi isso mais mas me meu minha muito na no nos não o
        obrigado onde os para pode pela por posso porque quando qual que quem se sei sua também te tem um uma você à é
    """,
    "nl": """
        aan bent ben dat de deze dit een en er geen goedemorgen heb heeft het hoe hoeveel ik is je jij kan kunt maar
        met mij mijn naar niet nog of om ook op te uit van voor waar waarom wanneer wat we wie wij zijn u
    """,
    "pl": """
        ale czy co dla do dzień gdzie i ile ja jak jaki jest jestem kiedy kto mi mnie mogę możesz na nie o od po
        proszę się są tak to w z za że
    """,
    "tr": """
        ama bana bir bu çok da de evet için ile kim mi mı misin mısın musun nasıl ne neden nerede hangi kaç sen siz
        ve var yok lütfen merhaba
    """,
}
_LETTERS = {"de": "ßäöü", "es": "ñ", "pt": "ãõ", "pl": "łżśęąń", "tr": "ğşı", "fr": "œ"}
_BY_WORD: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, words in _WORDS.items() if word in words.split())
    for words in _WORDS.values()
    for word in words.split()
}
_LONG_WORD = 5
"""A common word of so many letters counts twice: "bonjour" is surely French, "et" may be Latin."""
_MIN_SCORE = 2


def latin_language(words: Iterable[str]) -> str | None:
    """The language most of whose common words occur among ``words``, or None.

    One short word is evidence of English only. Single letters are none.
    """
    scores = Counter[str]()
    for word in words:
        if len(word) > 1 or not word.isascii():
            weight = 2 if len(word) >= _LONG_WORD else 1
            scores.update(dict.fromkeys(_BY_WORD.get(word.lower(), ()), weight))
        if word.islower():
            scores.update(language for language, letters in _LETTERS.items() if not set(letters).isdisjoint(word))
    match scores.most_common(2):
        case [(language, most)]:
            second = 0
        case [(language, most), (_, second)]:
            pass
        case _:
            return None
    return language if most > second and (language == "en" or most >= _MIN_SCORE) else None
