"""The tables of the endings, held against expectations of their own and walked through to every end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from framegate.session.closing import Act, Event, State, Step, after, ended, rows
from framegate.session.closing import __doc__ as rules

# Event, self, peer -> self, peer: acts. What each side has been told, and how its TCP ends.
EXPECTED = """
CLOSE OPEN     OPEN     -> RECEIVED SENT   : LINGER
CLOSE SENT     RECEIVED -> CLOSED   CLOSED : END_SELF END_PEER
CLOSE SENT     SENT     -> CLOSED   SENT   :
CLOSE SENT     CLOSED   -> CLOSED   CLOSED :
CLOSE SENT     GONE     -> CLOSED   GONE   : END_SELF

EOF   OPEN     OPEN     -> GONE     SENT   : LEAVE LINGER END_PEER
EOF   RECEIVED SENT     -> RECEIVED SENT   :
EOF   SENT     RECEIVED -> GONE     CLOSED : ECHO_TO_PEER END_PEER
EOF   SENT     SENT     -> GONE     SENT   :
EOF   SENT     CLOSED   -> GONE     CLOSED :
EOF   SENT     GONE     -> GONE     GONE   :
EOF   CLOSED   SENT     -> GONE     SENT   :
EOF   CLOSED   CLOSED   -> GONE     CLOSED :
EOF   CLOSED   GONE     -> GONE     GONE   :

RESET OPEN     OPEN     -> GONE     SENT   : LEAVE LINGER END_PEER
RESET RECEIVED SENT     -> GONE     SENT   : END_PEER
RESET SENT     RECEIVED -> GONE     CLOSED : ECHO_TO_PEER END_PEER
RESET SENT     SENT     -> GONE     SENT   :
RESET SENT     CLOSED   -> GONE     CLOSED :
RESET SENT     GONE     -> GONE     GONE   :
RESET CLOSED   SENT     -> GONE     SENT   :
RESET CLOSED   CLOSED   -> GONE     CLOSED :
RESET CLOSED   GONE     -> GONE     GONE   :

LINGER RECEIVED SENT    -> CLOSED   GONE   : ECHO_TO_SELF END_SELF ABORT_PEER
LINGER SENT    RECEIVED -> GONE     CLOSED : ABORT_SELF ECHO_TO_PEER END_PEER
LINGER SENT    SENT     -> GONE     SENT   : ABORT_SELF
LINGER SENT    CLOSED   -> GONE     CLOSED : ABORT_SELF
LINGER SENT    GONE     -> GONE     GONE   : ABORT_SELF
LINGER CLOSED  SENT     -> GONE     SENT   : ABORT_SELF
LINGER CLOSED  CLOSED   -> GONE     CLOSED : ABORT_SELF
LINGER CLOSED  GONE     -> GONE     GONE   : ABORT_SELF

END   OPEN     OPEN     -> SENT     SENT   : TELL_SELF TELL_PEER LINGER END_SELF END_PEER
END   RECEIVED SENT     -> CLOSED   SENT   : TELL_SELF END_SELF END_PEER
END   SENT     RECEIVED -> SENT     CLOSED : TELL_PEER END_SELF END_PEER
"""


def expected() -> dict[tuple[Event, State, State], Step]:
    table = {}
    for line in filter(None, EXPECTED.splitlines()):
        cell, result = line.split("->")
        event, self, peer = cell.split()
        states, acts = result.split(":")
        next_self, next_peer = states.split()
        table[Event[event], State[self], State[peer]] = Step(
            State[next_self], State[next_peer], tuple(Act[act] for act in acts.split())
        )
    return table


CELLS = list(product(Event, State, State))
START = (State.OPEN, State.OPEN)
OVER = (State.GONE, State.GONE)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: " ".join(part.name for part in cell))
def test_every_cell_is_a_row_or_cannot_happen(cell: tuple[Event, State, State]) -> None:
    wanted = expected().get(cell)
    if wanted is None:
        with pytest.raises(AssertionError, match=rf"{cell[0].name} with self {cell[1].name} and peer {cell[2].name}"):
            after(*cell)
    else:
        assert after(*cell) == wanted


def test_the_rows_are_those_of_the_tables_and_no_more() -> None:
    assert {(event, self, peer): step for event, self, peer, step in rows()} == expected()
    assert len(rows()) == len(expected())


def test_the_ending_is_decided_where_the_table_of_endings_says_nothing() -> None:
    for self, peer in product(State, State):
        assert ended(self, peer) == ((Event.END, self, peer) not in expected())
    assert not ended(*START) and ended(*OVER)


def test_the_rules_stand_above_the_tables() -> None:
    assert rules is not None and "Rule 1" in rules and "Rule 2" in rules


Pair = tuple[State, State]


def may_happen(event: Event, self: State, peer: State) -> bool:
    """What the world can bring to a leg, whatever the tables say."""
    match event:
        case Event.CLOSE:
            # It has sent none yet, and its TCP stands.
            return self in (State.OPEN, State.SENT)
        case Event.EOF | Event.RESET:
            return self is not State.GONE
        case Event.LINGER:
            # A clock runs for who has been told: for its answer, then for the end of its TCP.
            return self in (State.SENT, State.CLOSED)
        case Event.END:
            return not ended(self, peer)


def steps(pair: Pair) -> Iterator[tuple[Event, bool, Step, Pair]]:
    """All that can happen to a pair of legs, to the first or (turned) to the second."""
    for event, turned in product(Event, (False, True)):
        self, peer = reversed(pair) if turned else pair
        if may_happen(event, self, peer):
            step = after(event, self, peer)
            yield event, turned, step, (step.peer, step.self) if turned else (step.self, step.peer)


def reachable() -> set[Pair]:
    seen, todo = {START}, [START]
    while todo:
        for *_, pair in steps(todo.pop()):
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return seen


class TestReachable:
    """From two open legs, every event that can happen has a row."""

    def test_only_tabled_pairs_are_reached(self) -> None:
        # steps() raises where a row is missing.
        tabled = {(self, peer) for _, self, peer in expected()}
        assert {pair for pair in reachable() if pair != OVER and pair[0] is not State.GONE} <= tabled

    def test_a_leg_is_open_only_beside_an_open_one(self) -> None:
        assert {pair for pair in reachable() if State.OPEN in pair} == {START}

    def test_who_waits_for_an_answer_waits_for_one_who_was_told(self) -> None:
        with_received = {pair for pair in reachable() if State.RECEIVED in pair}
        assert with_received == {(State.RECEIVED, State.SENT), (State.SENT, State.RECEIVED)}

    def test_the_rows_are_needed(self) -> None:
        needed = set()
        for pair in reachable():
            for event, turned, _, _ in steps(pair):
                needed.add((event, *(reversed(pair) if turned else pair)))
        # This row says the same of the other leg's clock; the clocks run for the silent side alone.
        mirrored = {(Event.LINGER, State.RECEIVED, State.SENT)}
        assert set(expected()) - needed == mirrored

    def test_the_mirrored_row_says_the_same(self) -> None:
        one = after(Event.LINGER, State.SENT, State.RECEIVED)
        other = after(Event.LINGER, State.RECEIVED, State.SENT)
        turn = {
            Act.ECHO_TO_SELF: Act.ECHO_TO_PEER,
            Act.END_SELF: Act.END_PEER,
            Act.ABORT_PEER: Act.ABORT_SELF,
        }
        assert (one.self, one.peer) == (other.peer, other.self)
        assert {turn[act] for act in other.acts} == set(one.acts)


RANK = {State.OPEN: 0, State.RECEIVED: 1, State.SENT: 1, State.CLOSED: 2, State.GONE: 3}


class TestEnds:
    """Every path of events ends with both legs gone."""

    def test_no_step_leads_back(self) -> None:
        for pair in reachable():
            for event, turned, _, after_it in steps(pair):
                assert all(RANK[new] >= RANK[old] for new, old in zip(after_it, pair, strict=True))
                if after_it == pair:
                    # Who has closed may end his direction of TCP and still wait for the answer.
                    assert (event, pair[turned]) == (Event.EOF, State.RECEIVED)

    def test_the_only_end_is_that_both_are_gone(self) -> None:
        assert {pair for pair in reachable() if not list(steps(pair))} == {OVER}

    def test_the_clocks_alone_bring_every_ending_to_its_end(self) -> None:
        for pair in reachable() - {START}:
            while pair != OVER:
                lingered = [after_it for event, _, _, after_it in steps(pair) if event is Event.LINGER]
                assert lingered, f"nothing lets {pair} go"
                pair = lingered[0]


Told = tuple[Pair, tuple[int, int], tuple[bool, bool]]


def histories() -> set[Told]:
    """Pairs with how many close frames each leg has been sent, and whether its TCP was asked to end."""
    first: Told = (START, (0, 0), (False, False))
    seen, todo = {first}, [first]
    while todo:
        pair, closes, ending = todo.pop()
        for event, turned, step, next_pair in steps(pair):
            sent, ends = list(closes), list(ending)
            mine, other = (1, 0) if turned else (0, 1)
            if event is Event.CLOSE and pair[other] in (State.OPEN, State.RECEIVED):
                sent[other] += 1  # forwarded
            for act in step.acts:
                if act in (Act.TELL_SELF, Act.ECHO_TO_SELF):
                    sent[mine] += 1
                elif act in (Act.TELL_PEER, Act.ECHO_TO_PEER, Act.LEAVE):
                    sent[other] += 1
                elif act in (Act.END_SELF, Act.ABORT_SELF):
                    ends[mine] = True
                elif act in (Act.END_PEER, Act.ABORT_PEER):
                    ends[other] = True
            if event in (Event.EOF, Event.RESET):
                ends[mine] = True
            told = (next_pair, (sent[0], sent[1]), (ends[0], ends[1]))
            if told not in seen:
                seen.add(told)
                todo.append(told)
    return seen


class TestFairness:
    """What holds on every path."""

    def test_nobody_is_sent_two_close_frames(self) -> None:
        # RFC 6455, section 5.5.1: nothing follows a close frame.
        assert {max(closes) for _, closes, _ in histories()} == {0, 1}

    def test_who_counts_as_told_was_told_once(self) -> None:
        for pair, closes, _ in histories():
            for state, sent in zip(pair, closes, strict=True):
                if state in (State.SENT, State.CLOSED):
                    assert sent == 1, pair
                elif state in (State.OPEN, State.RECEIVED):
                    assert sent == 0, pair

    def test_only_a_side_that_left_or_stayed_silent_is_told_nothing(self) -> None:
        for pair, closes, _ in histories():
            if pair == OVER:
                assert closes != (0, 0)

    def test_the_tcp_of_who_is_closed_or_gone_is_being_ended(self) -> None:
        for pair, _, ending in histories():
            for state, ends in zip(pair, ending, strict=True):
                if state in (State.CLOSED, State.GONE):
                    assert ends, pair
                elif state is State.OPEN:
                    assert not ends, pair
