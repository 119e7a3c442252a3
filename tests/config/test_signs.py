"""Characters that are not allowed in values, and look-alikes."""

import unicodedata

import pytest

from bnlab.config.signs import ascii_for, explained, lookalike, named, unusable

LOOKALIKES = {
    "bаtch": ("U+0430 CYRILLIC SMALL LETTER A", "batch"),
    "nοne": ("U+03BF GREEK SMALL LETTER OMICRON", "none"),
    "−0.1": ("U+2212 MINUS SIGN", "-0.1"),
    "–0.1": ("U+2013 EN DASH", "-0.1"),
    "１": ("U+FF11 FULLWIDTH DIGIT ONE", "1"),
    "٣": ("U+0663 ARABIC-INDIC DIGIT THREE", "3"),
    "0.1\u00a0": ("U+00A0 NO-BREAK SPACE", "0.1"),
    "0.1\u2009": ("U+2009 THIN SPACE", "0.1"),
    "\u200bbatch": ("U+200B ZERO WIDTH SPACE", "batch"),
    "\ufeffbatch": ("U+FEFF ZERO WIDTH NO-BREAK SPACE", "batch"),
    "bat\u00adch": ("U+00AD SOFT HYPHEN", "batch"),
    "‘x’": ("U+2018 LEFT SINGLE QUOTATION MARK", "'x'"),
    "«x»": ("U+00AB LEFT-POINTING DOUBLE ANGLE QUOTATION MARK", '"x"'),
    "norm＝batch": ("U+FF1D FULLWIDTH EQUALS SIGN", "norm=batch"),
    "0，1": ("U+FF0C FULLWIDTH COMMA", "0,1"),
    "1∕2": ("U+2215 DIVISION SLASH", "1/2"),
    "ｂatch": ("U+FF42 FULLWIDTH LATIN SMALL LETTER B", "batch"),
}
UNUSABLE = {
    "a\0": "U+0000 NULL",
    "a\nb": "U+000A LINE FEED (a line break)",
    "a\tb": "U+0009 TAB",
    "\x1b[31m": "U+001B ESCAPE",
    "\x7f": "U+007F DELETE",
    "a\u2028b": "U+2028 LINE SEPARATOR",
    "a\u202eb": "U+202E RIGHT-TO-LEFT OVERRIDE",
    "a\udcffb": "U+DCFF, a byte that is not UTF-8",
    "b\ud800c": "U+D800, half a character",
    "a\x85b": "U+0085 NEXT LINE (a line break)",
}


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_lookalike_is_told_by_name(text: str) -> None:
    name, meant = LOOKALIKES[text]
    found = lookalike(text)
    assert found is not None
    assert (named(found[0]), found[1]) == (name, meant)
    said = explained(text)
    assert said is not None
    assert name in said
    assert said.endswith(f"write {meant}")


@pytest.mark.parametrize("text", ["batch", "études", "日本語", "größe", "", "a b", "медленно"])
def test_what_looks_like_nothing_else_is_no_lookalike(text: str) -> None:
    assert lookalike(text) is None
    assert explained(text) is None


@pytest.mark.parametrize("text", UNUSABLE)
def test_what_no_value_may_hold(text: str) -> None:
    char = unusable(text)
    assert char is not None
    assert named(char) == UNUSABLE[text]


@pytest.mark.parametrize("text", ["a b", "études", "日本語", "👩\u200d💻", "می\u200cخواهم", "(2)", "~", "\u00a0"])
def test_what_names_may_hold(text: str) -> None:
    assert unusable(text) is None


def test_every_dash_space_and_digit_looks_like_its_ascii_sign() -> None:
    wanted = {"Pd": "-", "Zs": " "}
    for code in range(0x80, 0x10000):
        char = chr(code)
        category = unicodedata.category(char)
        if category in wanted:
            assert ascii_for(char) == wanted[category]
        elif category == "Nd":
            assert ascii_for(char) == str(unicodedata.digit(char))
