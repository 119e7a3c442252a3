"""Words of the command line, compared with what Hydra's own parser reads."""

import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.config.grammar import is_function, list_items, split, unquoted
from bnlab.config.words import kind, quoted, shown, written

KINDS = {
    "study": "text",
    "output_dir": "text",
    "init_from": "text",
    "data.root": "text",
    "plugins": "texts",
    "freeze": "texts",
    "norm": "texts",
    "diagnostics": "texts",
    "experiment": "texts",
    "seed": "other",
    "optim.lr": "other",
    "when": "other",
    "model.activation": "other",
    "sweep.workers": "other",
    "statistics.modes": "other",
    "diagnostics.landscape.when": "other",
    "no.such.key": "other",
    "hydra/launcher": "other",
}

# word: (the quoted word for Hydra, None if unchanged; the value that its parser reads)
QUOTED: dict[str, tuple[str | None, object]] = {
    "study=études": ("study='études'", "études"),
    "data.root=/home/josé/pics": ("data.root='/home/josé/pics'", "/home/josé/pics"),
    "data.root=~/x": ("data.root='~/x'", "~/x"),
    "data.root=/tmp/a=b": ("data.root='/tmp/a=b'", "/tmp/a=b"),
    "data.root=/tmp/Photos (2)": ("data.root='/tmp/Photos (2)'", "/tmp/Photos (2)"),
    "data.root=/tmp/Photos (a, b)": ("data.root='/tmp/Photos (a, b)'", "/tmp/Photos (a, b)"),
    "data.root=/tmp/plain_path-1.x": (None, "/tmp/plain_path-1.x"),
    "data.root=/tmp/x(a": ("data.root='/tmp/x(a'", "/tmp/x(a"),
    "data.root=/o'brien": ("data.root='/o\\'brien'", "/o'brien"),
    'data.root=/say "hi"': ("data.root='/say \"hi\"'", '/say "hi"'),
    "data.root=C:\\data": ("data.root='C:\\data'", "C:\\data"),
    "data.root=C:\\": ("data.root='C:\\\\'", "C:\\"),
    "data.root=\\'": ("data.root='\\\\\\''", "\\'"),
    "plugins=[modèle.py]": ("plugins=['modèle.py']", ["modèle.py"]),
    "plugins=[a.py,b c.py]": ("plugins=[a.py,'b c.py']", ["a.py", "b c.py"]),
    "plugins=['a,b.py']": (None, ["a,b.py"]),
    "plugins=[]": (None, []),
    "freeze=[units.0.*]": ("freeze=['units.0.*']", ["units.0.*"]),
    "study=2024": ("study='2024'", "2024"),
    "study=1e5": ("study='1e5'", "1e5"),
    "study=true": ("study='true'", "true"),
    "study=NULL": ("study='NULL'", "NULL"),
    "study=inf": ("study='inf'", "inf"),
    "study=null": (None, None),
    "study=": (None, ""),
    "study=a ": ("study='a '", "a "),
    "study=[x]": ("study='[x]'", "[x]"),
    "study={a:1}": ("study='{a:1}'", "{a:1}"),
    "study=f(x)": ("study='f(x)'", "f(x)"),
    "study='a b'": (None, "a b"),
    'study="2024"': (None, "2024"),
    "study='a' b": ("study='\\'a\\' b'", "'a' b"),
    "study='a": ("study='\\'a'", "'a"),
    "study=a,b": (None, ["a", "b"]),
    "study=é,2024": ("study='é','2024'", ["é", "2024"]),
    "study=a, b": ("study=a,b", ["a", "b"]),
    "study=choice(2024,é)": ("study=choice('2024','é')", ["2024", "é"]),
    "study=sort(b,a,reverse=true)": (None, ["b", "a"]),
    "study=${seed}": (None, "${seed}"),
    "study=a\\,b": (None, "a,b"),
    "norm=2024": ("norm='2024'", "2024"),
    "norm=bаtch": ("norm='bаtch'", "bаtch"),
    "norm=batch,layer": (None, ["batch", "layer"]),
    "placement=[a,b]": (None, ["a", "b"]),
    "optim.lr=0.1,1": (None, [0.1, 1]),
    "optim.lr=0.1)": ("optim.lr='0.1)'", "0.1)"),
    "optim.lr=0.1,é": ("optim.lr=0.1,'é'", [0.1, "é"]),
    "when=[init,10]": (None, ["init", 10]),
    "when=[init,é]": ("when=[init,'é']", ["init", "é"]),
    "seed=1_000": (None, 1000),
    "rerun=True": (None, True),
    "++seed=3": (None, 3),
    "no_equals": (None, None),
}

SPLIT = {
    "a,b": ["a", "b"],
    "a": ["a"],
    "": [""],
    "[a,b],c": ["[a,b]", "c"],
    "(a,b)": ["(a,b)"],
    "a(b,c": ["a(b", "c"],
    "'a,b',c": ["'a,b'", "c"],
    "o'b,c'd": ["o'b", "c'd"],
    "a\\,b,c": ["a\\,b", "c"],
    "{a:'x,y'},b": ["{a:'x,y'}", "b"],
    "[a,'b]',c],d": ["[a,'b]',c]", "d"],
    "a]b,c": ["a]b", "c"],
}


def read(word: str) -> object:
    """Return the value that Hydra's parser reads from an override, a list for a sweep."""

    def plain(value: object) -> object:
        if isinstance(value, QuotedString):
            return value.text
        return [plain(one) for one in value] if isinstance(value, list) else value

    value = OverridesParser.create().parse_override(word)._value
    return plain(value.list) if isinstance(value, ChoiceSweep) else plain(value)


@pytest.mark.parametrize("key", KINDS)
def test_the_type_of_an_option_says_how_its_words_are_read(key: str) -> None:
    assert kind(key) == KINDS[key]


@pytest.mark.parametrize("word", QUOTED)
def test_what_hydra_is_given(word: str) -> None:
    expected, value = QUOTED[word]
    given = quoted(word)
    assert given == (word if expected is None else expected)
    if "=" in word:
        assert read(given) == value
    assert quoted(given) == given, "quoting again changes nothing"
    assert quoted(shown(given)) == given, "what people are shown is the same override"


@pytest.mark.parametrize("word", ["study=études", "data.root=/tmp/Photos (2)", "plugins=[modèle.py]", "study=2024"])
def test_people_are_shown_what_they_wrote(word: str) -> None:
    assert quoted(word) != word
    assert shown(quoted(word)) == word


@pytest.mark.parametrize("value", SPLIT)
def test_lists_are_split_at_commas_outside_quotes_and_brackets(value: str) -> None:
    assert split(value) == SPLIT[value]


def test_parts_of_words() -> None:
    assert list_items("[a, b]") == ["a", " b"]
    assert list_items("[]") == []
    assert list_items("a") is list_items("[a],[b]") is None
    assert unquoted("'a\\'b'") == "a'b"
    assert unquoted("a'b'") == "a'b'"
    assert [is_function(text) for text in ("range(0,1)", "glob(*)", "f(x)", "range")] == [True, True, False, False]
    assert written("x", [None, "a b", 1, {"k": "v"}]) == "x=[null,'a b',1,{k:v}]"


signs = st.text(st.sampled_from("\\'\"ab é$()[]{}:=~,1.-+*?|#;_/\u2212漢\u200d"), max_size=12)


@settings(max_examples=600)
@given(signs | st.text(max_size=12))
def test_a_text_stays_what_it_is(text: str) -> None:
    """Any text stays literal; characters with a meaning in the grammar (commas, quotes, …) are tested above."""
    given = quoted(f"study={text}")
    assert quoted(given) == given
    assert quoted(shown(given)) == given
    if not re.search(r"[,\\]|\$\{|\A\s*['\"]|\A(null)?\Z|\)\s*\Z", text):
        assert read(given) == text
