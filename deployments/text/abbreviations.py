"""Abbreviations that end with a full stop, and conjunctions that start a clause."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words in lower case. ``leading`` abbreviations never end a sentence. ``closing`` abbreviations end one when the
    next word is capitalised. ``conjunctions`` start a clause."""

    leading: frozenset[str]
    closing: frozenset[str]
    conjunctions: frozenset[str]


def lexicon_for(language: str | None) -> Lexicon:
    """The lexicon of ``language`` ("ru" or "en"), or of both for None and other languages."""
    return _BY_LANGUAGE.get(language or "", _ALL)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RU = Lexicon(
    leading=_words(
        "г. гг. гор. ул. пр. просп. пр-т. пер. пл. бул. наб. ш. д. дер. пос. обл. р-н. респ. кв. корп. стр. оф. каб."
        " эт. т.е. т.к. т.н. т.о. см. ср. напр. рис. табл. гл. разд. п. пп. ст. ч. чл. прим. ред. изд. вып. им. св."
        " проф. акад. доц. канд. инж. гр. г-н. г-жа. тел. моб. доб. факс. эл. ориент. ок. прибл. макс. мин. осн."
        " и.о. зам. зав. нач. ген. гос. юр. физ. вкл. исх. вх."
    ),
    closing=_words(
        "т.д. т.п. др. пр. руб. р. коп. тыс. млн. млрд. трлн. кг. см. мм. км. м. л. мл. сек. мин. час. ч. дн. нед. мес."
        " шт. экз. чел. г. гг. в. вв. н.э. л.с. долл. у.е. проц. стр. л. тел. ред."
    ),
    conjunctions=_words(
        "и а но или либо что чтобы если когда пока хотя потому поэтому который которая которое которые где куда как"
        " чем затем также однако зато"
    ),
)
_EN = Lexicon(
    leading=_words(
        "mr. mrs. ms. mx. dr. prof. st. rev. hon. gen. col. capt. lt. sgt. sen. rep. gov. pres. messrs. mt. ft. e.g."
        " i.e. cf. vs. v. viz. fig. figs. eq. sec. ch. vol. pp. p. ed. eds. approx. ca. tel. ext. dept. apt. ave. blvd."
        " no. nos. art. para."
    ),
    closing=_words(
        "etc. inc. ltd. co. corp. llc. jr. sr. esq. ph.d. m.d. b.a. m.a. a.m. p.m. u.s. u.k. e.u. d.c. al. ave. blvd."
        " st. rd. dept. est. oz. lb. lbs. ft. in. hr. hrs. min. sec. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct."
        " nov. dec. mon. tue. wed. thu. fri. sat. sun."
    ),
    conjunctions=_words(
        "and but or nor so yet that which who because if when while although though since unless until where as than"
    ),
)
_ALL = Lexicon(_RU.leading | _EN.leading, _RU.closing | _EN.closing, _RU.conjunctions | _EN.conjunctions)
_BY_LANGUAGE = {"ru": _RU, "en": _EN}

BEFORE_A_NUMBER_ONLY = _words(
    "no. nos. art. fig. figs. sec. ch. vol. p. pp. v. п. пп. ст. ч. рис. табл. гл. стр. кв. д."
)
"""Abbreviations only before a number: "No. 5" is one phrase, "No. Thanks." is two sentences."""
