"""Sec-WebSocket-Extensions: its grammar (RFC 6455, section 9.1), and permessage-deflate (RFC 7692, section 7.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framegate.handshake.extensions import (
    OFFER,
    Deflate,
    Extension,
    accept,
    agreed,
    parse_extensions,
    passable,
)

NAME = "permessage-deflate"
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
WINDOWS = ("server_max_window_bits", "client_max_window_bits")
VALID_BITS = [str(bits) for bits in range(8, 16)]
INVALID_BITS = ["7", "16", "0", "08", "010", "015", "1", "150", "-9", "+9", "9.0", "1e1", "0x9", "ten", "９"]


def one(value: str) -> Extension:
    (extension,) = parse_extensions([value])
    return extension


def accepted(value: str) -> str | None:
    """Our answer to a client's offers."""
    answer = accept(parse_extensions([value]))
    return None if answer is None else str(answer[1])


def agreement(answer: str, offers: str = OFFER) -> Deflate | None:
    return agreed(parse_extensions([answer]), parse_extensions([offers]))


# The grammar


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([""], []),
        (["foo"], [Extension("foo")]),
        (["foo", "bar"], [Extension("foo"), Extension("bar")]),
        (["foo, bar", "baz"], [Extension("foo"), Extension("bar"), Extension("baz")]),
        (["foo, foo"], [Extension("foo"), Extension("foo")]),
        (["foo; a; b=1, bar; a"], [Extension("foo", (("a", None), ("b", "1"))), Extension("bar", (("a", None),))]),
        (["foo; a; a=1"], [Extension("foo", (("a", None), ("a", "1")))]),
        (["!#$%&'*+-.^_`|~0aZ"], [Extension("!#$%&'*+-.^_`|~0aZ")]),
        (["Foo; A=B"], [Extension("Foo", (("A", "B"),))]),
    ],
)
def test_extensions_and_parameters_are_given_in_order(values: list[str], expected: list[Extension]) -> None:
    assert parse_extensions(values) == expected


@pytest.mark.parametrize("value", ["foo;a=1,bar", "foo ; a = 1 , bar", "\tfoo\t;\ta\t=\t1\t,\tbar\t"])
def test_space_and_tab_may_stand_around_each_separator(value: str) -> None:
    assert parse_extensions([value]) == [Extension("foo", (("a", "1"),)), Extension("bar")]


@pytest.mark.parametrize("value", [",foo", "foo,", ",,foo,,", " , foo , ", "foo,\t"])
def test_empty_members_count_for_nothing(value: str) -> None:
    assert parse_extensions([value]) == [Extension("foo")]


@pytest.mark.parametrize("value", ["", ",", " ", " ,\t, "])
def test_a_field_may_name_nothing(value: str) -> None:
    assert parse_extensions([value]) == []


@pytest.mark.parametrize(
    "written", ["x=10", 'x="10"', r'x="\10"', r'x="1\0"', r'x="\1\0"', 'x = "10"'], ids=lambda text: text
)
def test_a_value_may_be_quoted_and_escaped(written: str) -> None:
    assert one(f"foo; {written}; y") == Extension("foo", (("x", "10"), ("y", None)))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (";", 0),
        ("; a", 0),
        ("=1", 0),
        ('"foo"', 0),
        ("é", 0),
        ("foo, /", 4),
        ("foo;", 3),
        ("foo;;a", 3),
        ("foo; =1", 3),
        ("foo bar", 3),
        ("foo; a b", 6),
        ("foo=1", 3),
        ("foo; a=", 6),
        ("foo; a=,", 6),
        ("foo; a==1", 6),
        ("foo; a=1=2", 8),
        ('foo; a=""', 6),
        ('foo; a="1', 6),
        ('foo; a="1 2"', 6),
        ('foo; a="1,2"', 6),
        ('foo; a="1;2"', 6),
        (r'foo; a="1\"', 6),
        (r'foo; a="\\"', 6),
        (r'foo; a="\""', 6),
        ('foo; a="1"2', 10),
        ('foo; a=1"2"', 8),
        ("foo; a='1 2'", 9),
        ("foo; a=1/2", 8),
        ("foo; a=1\r\n", 8),
        ("foo; a=1\n", 8),
        ("foo\n", 3),
        ("foo; a=1\x00", 8),
        ("foo\x0b, bar", 3),
        ("bar, foo; a=(1)", 11),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(value: str, place: int) -> None:
    with pytest.raises(ValueError) as caught:
        parse_extensions(["fine", value])
    assert f"extensions {value!r}: " in str(caught.value)
    assert f" at character {place}" in str(caught.value)


tokens = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=8)
extensions = st.builds(Extension, tokens, st.lists(st.tuples(tokens, st.none() | tokens), max_size=4).map(tuple))


@given(st.lists(extensions, max_size=5))
def test_what_is_written_is_read_back(written: list[Extension]) -> None:
    assert parse_extensions([", ".join(map(str, written))]) == written
    assert parse_extensions([str(each) for each in written]) == written


@given(st.text(max_size=40) | st.text(' \t,;="\\a1', max_size=40))
def test_whatever_is_sent_is_read_or_refused(value: str) -> None:
    try:
        found = parse_extensions([value])
    except ValueError:
        return
    assert parse_extensions([", ".join(map(str, found))]) == found


# What is answered to a client


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (NAME, NAME),
        (OFFER, NAME),
        (f"{NAME}; client_max_window_bits=10", NAME),
        (f"{NAME}; client_max_window_bits=8", NAME),
        (f"{NAME}; server_no_context_takeover", f"{NAME}; server_no_context_takeover"),
        (f"{NAME}; client_no_context_takeover", f"{NAME}; client_no_context_takeover"),
        (f"{NAME}; server_max_window_bits=15", f"{NAME}; server_max_window_bits=15"),
        (f'{NAME}; server_max_window_bits="9"', f"{NAME}; server_max_window_bits=9"),
        (
            f"{NAME}; client_max_window_bits; server_max_window_bits=12; client_no_context_takeover;"
            " server_no_context_takeover",
            f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
        ),
    ],
)
def test_an_offer_is_answered_with_what_it_asks_for(offer: str, answer: str) -> None:
    assert accepted(offer) == answer


def test_the_agreement_is_what_the_answer_says() -> None:
    offer = f"{NAME}; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9"
    answer = accept(parse_extensions([offer]))
    assert answer is not None
    # The offer's client_max_window_bits is a hint; without it in the answer the client may use any window.
    assert answer[0] == Deflate(True, False, 10, 15)


@pytest.mark.parametrize("value", ["", "foo", "x-webkit-deflate-frame", "permessage-bzip2", "Permessage-Deflate"])
def test_what_is_not_permessage_deflate_is_declined(value: str) -> None:
    assert accepted(value) is None
    assert passable(parse_extensions([value])) == []


INVALID_PARAMETERS = [
    "unknown",
    "unknown=1",
    *(f"{flag}=1" for flag in FLAGS),
    *(f'{flag}="true"' for flag in FLAGS),
    *(f"{flag}; {flag}" for flag in FLAGS),
    *(f"{window}={bits}" for window in WINDOWS for bits in INVALID_BITS if bits.isascii()),
    *(f"{window}=10; {window}=10" for window in WINDOWS),
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits; client_max_window_bits=9",
    "server_max_window_bits",
    "Server_no_context_takeover",
]


@pytest.mark.parametrize("parameters", INVALID_PARAMETERS)
def test_an_offer_with_an_invalid_parameter_is_declined_and_not_passed_on(parameters: str) -> None:
    offers = parse_extensions([f"{NAME}; {parameters}"])
    assert accept(offers) is None
    assert passable(offers) == []
    assert accepted(f"{NAME}; {parameters}, {NAME}; server_max_window_bits=9") == f"{NAME}; server_max_window_bits=9"


@pytest.mark.parametrize("bits", VALID_BITS)
@pytest.mark.parametrize("window", WINDOWS)
def test_windows_of_8_to_15_bits_are_valid(window: str, bits: str) -> None:
    offers = parse_extensions([f"{NAME}; {window}={bits}"])
    assert passable(offers) == offers
    # Nothing deflates with a window of 8 bits here.
    assert (accept(offers) is None) == (window == "server_max_window_bits" and bits == "8")


def test_digits_of_other_scripts_are_no_window() -> None:
    assert accept([Extension(NAME, (("server_max_window_bits", "９"),))]) is None


def test_the_first_offer_that_can_be_served_is_answered() -> None:
    offers = f"foo, {NAME}; unknown, {NAME}; server_max_window_bits=8, {NAME}; server_max_window_bits=10, {NAME}"
    assert accepted(offers) == f"{NAME}; server_max_window_bits=10"
    assert accepted(f"{NAME}, {NAME}; server_max_window_bits=10") == NAME


def test_valid_offers_are_passed_on_as_they_are_and_in_order() -> None:
    offers = [f"{NAME}; client_max_window_bits; server_max_window_bits=8", f"{NAME}; client_no_context_takeover"]
    assert [str(each) for each in passable(parse_extensions([f"foo, {offers[0]}, {NAME}; x=1", offers[1]]))] == offers


# What is taken from an upstream


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", None),
        (NAME, Deflate(False, False, 15, 15)),
        (f"{NAME}; server_no_context_takeover", Deflate(True, False, 15, 15)),
        (f"{NAME}; client_no_context_takeover", Deflate(False, True, 15, 15)),
        *((f"{NAME}; server_max_window_bits={bits}", Deflate(False, False, int(bits), 15)) for bits in VALID_BITS),
        *((f"{NAME}; client_max_window_bits={bits}", Deflate(False, False, 15, int(bits))) for bits in VALID_BITS),
        (
            f'{NAME}; client_max_window_bits="9";server_max_window_bits = 10; client_no_context_takeover;'
            " server_no_context_takeover",
            Deflate(True, True, 10, 9),
        ),
    ],
)
def test_our_own_offer_leaves_everything_to_the_upstream(answer: str, expected: Deflate | None) -> None:
    assert agreement(answer) == expected


@pytest.mark.parametrize("parameters", INVALID_PARAMETERS)
def test_an_answer_with_an_invalid_parameter_is_refused(parameters: str) -> None:
    with pytest.raises(ValueError, match="its parameters are wrong"):
        agreement(f"{NAME}; {parameters}")


def test_an_answers_client_window_has_to_have_a_value() -> None:
    with pytest.raises(ValueError, match="its parameters are wrong: permessage-deflate; client_max_window_bits"):
        agreement(f"{NAME}; client_max_window_bits")


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        # RFC 7692, section 7.1.2.2: without it in the offer, "the server MUST NOT include" it.
        (NAME, f"{NAME}; client_max_window_bits=15"),
        (NAME, f"{NAME}; client_max_window_bits=10"),
        (f"{NAME}; client_max_window_bits=10", f"{NAME}; client_max_window_bits=11"),
        # Section 7.1.2.1: "the same or smaller value".
        (f"{NAME}; server_max_window_bits=10", f"{NAME}; server_max_window_bits=11"),
        (f"{NAME}; server_max_window_bits=10", NAME),
        (f"{NAME}; server_max_window_bits=14", f"{NAME}; server_no_context_takeover"),
        # Section 7.1.1.1: it is accepted by including it in the answer.
        (f"{NAME}; server_no_context_takeover", NAME),
        (f"{NAME}; server_no_context_takeover", f"{NAME}; client_no_context_takeover"),
        # No single one of the offers allows it.
        (
            f"{NAME}; server_no_context_takeover; client_max_window_bits, {NAME}; server_max_window_bits=10",
            f"{NAME}; server_max_window_bits=10; client_max_window_bits=10",
        ),
    ],
)
def test_an_answer_that_no_offer_allows_is_refused(offer: str, answer: str) -> None:
    with pytest.raises(ValueError, match="it was not offered this: permessage-deflate"):
        agreement(answer, offer)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (f"{NAME}; client_max_window_bits=10", f"{NAME}; client_max_window_bits=10"),
        (f"{NAME}; client_max_window_bits=10", f"{NAME}; client_max_window_bits=8"),
        (f"{NAME}; client_max_window_bits=10", NAME),
        (f"{NAME}; server_max_window_bits=10", f"{NAME}; server_max_window_bits=9"),
        # These an upstream may answer without having been asked (sections 7.1.1.1, 7.1.1.2 and 7.1.2.1).
        (NAME, f"{NAME}; server_no_context_takeover"),
        (NAME, f"{NAME}; client_no_context_takeover"),
        (NAME, f"{NAME}; server_max_window_bits=8"),
        # A client's own renunciation need not be answered.
        (f"{NAME}; client_no_context_takeover", NAME),
        # A window of 15 bits is what there is without a word.
        (f"{NAME}; server_max_window_bits=15", NAME),
        (f"{NAME}; server_max_window_bits=10, {NAME}", NAME),
    ],
)
def test_an_answer_within_one_of_the_offers_is_taken(offer: str, answer: str) -> None:
    assert agreement(answer, offer) is not None


@pytest.mark.parametrize(
    ("offers", "answer", "named"),
    [
        ("", NAME, NAME),
        (OFFER, "foo", "foo"),
        (OFFER, f"{NAME}, foo", "foo"),
        (OFFER, f"foo, {NAME}", "foo"),
        (OFFER, "foo, bar", "foo, bar"),
        ("foo", NAME, NAME),
        (f"{NAME}; unknown", NAME, NAME),
        (f"foo, {OFFER}", "foo", "foo"),
    ],
)
def test_an_answer_that_selects_what_was_not_offered_is_refused(offers: str, answer: str, named: str) -> None:
    with pytest.raises(ValueError) as caught:
        agreement(answer, offers)
    assert str(caught.value) == f"it selects {named}, which was not offered"


def test_an_answer_that_selects_it_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="it selects permessage-deflate 2 times"):
        agreement(f"{NAME}, {NAME}", f"{NAME}, {NAME}")


# Both ends

bits = st.sampled_from(VALID_BITS)
parameters = st.fixed_dictionaries(
    {},
    optional={
        FLAGS[0]: st.none(),
        FLAGS[1]: st.none(),
        WINDOWS[0]: bits,
        WINDOWS[1]: st.none() | bits,
        "unknown": st.none(),
    },
)
offered = st.builds(lambda each: Extension(NAME, tuple(each.items())), parameters)


@given(st.lists(offered, max_size=4))
def test_what_is_answered_is_what_the_offering_end_takes(offers: list[Extension]) -> None:
    answer = accept(offers)
    if answer is None:
        unservable = {("server_max_window_bits", "8"), ("unknown", None)}
        assert all(unservable & set(offer.parameters) for offer in offers)
    else:
        assert agreed(parse_extensions([str(answer[1])]), parse_extensions([", ".join(map(str, offers))])) == answer[0]


@given(st.lists(offered, max_size=4))
def test_what_is_passed_on_is_answered_alike(offers: list[Extension]) -> None:
    assert accept(passable(offers)) == accept(offers)
