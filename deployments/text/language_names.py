"""English names and ISO codes of languages."""

import re

_NAMES = """
af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian, bn bengali,
bo tibetan, br breton, bs bosnian, ca catalan, cs czech, cy welsh, da danish, de german, el greek, en english,
eo esperanto, es spanish, et estonian, eu basque, fa persian, fi finnish, fo faroese, fr french, ga irish, gl galician,
gu gujarati, ha hausa, haw hawaiian, he hebrew, hi hindi, hr croatian, ht haitian creole, hu hungarian, hy armenian,
id indonesian, is icelandic, it italian, ja japanese, jw javanese, ka georgian, kk kazakh, km khmer, kn kannada,
ko korean, la latin, lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy, mi maori,
mk macedonian, ml malayalam, mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, ne nepali, nl dutch,
nn nynorsk, no norwegian, oc occitan, pa punjabi, pl polish, ps pashto, pt portuguese, ro romanian, ru russian,
sa sanskrit, sd sindhi, si sinhala, sk slovak, sl slovenian, sn shona, so somali, sq albanian, sr serbian,
su sundanese, sv swedish, sw swahili, ta tamil, te telugu, tg tajik, th thai, tk turkmen, tl tagalog, tr turkish,
tt tatar, uk ukrainian, ur urdu, uz uzbek, vi vietnamese, yi yiddish, yo yoruba, yue cantonese, zh chinese
"""
_OTHER_NAMES = """
burmese my, castilian es, farsi fa, flemish nl, haitian ht, letzeburgesch lb, mandarin zh, mandarin chinese zh,
modern greek el, moldavian ro, moldovan ro, norwegian bokmål no, bokmål no, norwegian nynorsk nn, panjabi pa, pushto ps,
simplified chinese zh, sinhalese si, traditional chinese zh, valencian ca
"""
_CODES = """
afr af, alb sq, amh am, ara ar, arm hy, asm as, aze az, bak ba, baq eu, bel be, ben bn, bod bo, bos bs, bre br, bul bg,
bur my, cat ca, ces cs, chi zh, cmn zh, cym cy, cze cs, dan da, deu de, dut nl, ell el, eng en, epo eo, est et, eus eu,
fao fo, fas fa, fil tl, fin fi, fra fr, fre fr, geo ka, ger de, gle ga, glg gl, gre el, guj gu, hat ht, hau ha, heb he,
hin hi, hrv hr, hun hu, hye hy, ice is, ind id, isl is, ita it, iw he, jav jw, jpn ja, jv jw, kan kn, kat ka, kaz kk,
khm km, kor ko, lao lo, lat la, lav lv, lin ln, lit lt, ltz lb, mac mk, mal ml, mao mi, mar mr, may ms, mkd mk, mlg mg,
mlt mt, mon mn, mri mi, msa ms, mya my, nb no, nep ne, nld nl, nno nn, nob no, nor no, oci oc, pan pa, per fa, pol pl,
por pt, prs fa, pus ps, ron ro, rum ro, rus ru, san sa, sin si, slk sk, slo sk, slv sl, sna sn, snd sd, som so, spa es,
sqi sq, srp sr, sun su, swa sw, swe sv, tam ta, tat tt, tel te, tgk tg, tgl tl, tha th, tib bo, tuk tk, tur tr, ukr uk,
urd ur, uzb uz, vie vi, wel cy, yid yi, yor yo, zho zh
"""
"""ISO 639-2 and -3, both forms of those that have two, and older codes."""
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE)


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.strip().rsplit(" ", 1) for pair in text.replace("\n", " ").split(","))
    return {each[0]: each[1] for each in pairs}


_BY_TAG = dict(pair.strip().split(" ", 1) for pair in _NAMES.replace("\n", " ").split(","))


def english_name(tag: str) -> str:
    """``ru`` -> ``russian``. An unknown tag is returned unchanged."""
    return _BY_TAG.get(tag.lower().partition("-")[0], tag)


_BY_NAME = {name: tag for tag, name in _BY_TAG.items()} | _pairs(_OTHER_NAMES)
_BY_CODE = _pairs(_CODES)


def language_tag(text: str) -> str | None:
    """The primary tag of a language: ``en-US``, ``eng`` and ``English (US)`` are ``en``. A code that is unknown here is
    returned in lower case, other texts as None."""
    name = text.partition("(")[0].strip().lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    match = _TAG.fullmatch(text.strip())
    if match is None:
        return None
    code = match[1].lower()
    return _BY_CODE.get(code, code)
