"""What the fuzzers once found stays mended, a few cases of each pass, and what they look for would be seen."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from framegate.session import session as session_module
from framegate.session.closing import Act, Event, State, Step
from fuzzing import runner
from fuzzing.material import Speaker, bytes_of
from fuzzing.reference import read
from fuzzing.runner import CORPUS, Target, case_of, kept, replay, run
from fuzzing.shrink import shrunk
from fuzzing.targets import TARGETS
from tests.kit.builds import NAMES

CASES = {
    "parser": 500,
    "handshake": 500,
    "extensions": 1000,
    "deflate": 500,
    "proxy_protocol": 1000,
    "config": 50,
    "session": 250,
}

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name in TARGETS for file in kept(name)], ids=lambda value: Path(value).stem
)
def test_what_was_found_is_mended(name: str, file: Path) -> None:
    replay(TARGETS[name], file)


@each_target
def test_the_first_cases_pass(target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "CORPUS", tmp_path)
    monkeypatch.setattr(runner, "SHRINKING", 3.0)
    outcome = run(target, cases=CASES[target.name])
    assert outcome.failures == {}
    assert outcome.cases == CASES[target.name]


@each_target
def test_a_seed_makes_the_same_case_again(target: Target) -> None:
    assert case_of(target, 7) == case_of(target, 7) != case_of(target, 8)


def test_every_folder_of_the_corpus_has_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir() if folder.is_dir()} <= set(TARGETS)


# The machinery


def _no_seven(case: Any) -> None:
    assert 7 not in case["numbers"]


def test_a_failing_case_is_cut_down_and_kept_and_can_be_replayed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "CORPUS", tmp_path)
    target = Target("sevens", lambda rng: {"numbers": [rng.randint(0, 9) for _ in range(20)]}, _no_seven)
    outcome = run(target, cases=20)
    assert outcome.failures is not None and len(outcome.failures) == 1
    (file,) = kept("sevens")
    assert '"numbers": [\n   7\n  ]' in file.read_text()
    assert "kept as" in capsys.readouterr().out
    with pytest.raises(AssertionError):
        replay(target, file)


def test_a_case_is_cut_down_to_what_fails() -> None:
    case = {"steps": [["says", "abcdefghijklmnopqrstuvwxyz"], ["stop"]], "options": {"a": 1}}
    assert shrunk(case, lambda smaller: "k" in str(smaller.get("steps")), 5.0) == {"steps": [["k"]]}


# The invariants


def check_session(**case: Any) -> None:
    TARGETS["session"].check({"leaver": "client", "how": "fin", "steps": [], **case})


def says(side: str, *frames: tuple[int, bytes]) -> list[str]:
    speaker = Speaker(Random(1), side, 0)
    return ["says", side, b"".join(speaker.wire(*one) for one in frames).decode("latin-1")]


@pytest.mark.skipif(len(NAMES) < 2, reason="there is one build to look at")
def test_the_builds_being_apart_would_be_seen() -> None:
    calls = iter(range(10**6))
    speaks = {"steps": [says("client", (1, b"hi"))]}
    with patch("fuzzing.session.stage.Stage.snapshot", lambda self: next(calls)):
        with pytest.raises(AssertionError, match="the builds differ"):
            check_session(**speaks)


@pytest.mark.parametrize("verdict", [["drop"], ["change", "x"]])
def test_a_frame_that_is_lost_or_invented_would_be_seen(verdict: list[str]) -> None:
    case = {"hook": "verdicts", "steps": [says("client", (1, b"hello"))], "verdicts": {"client": [verdict]}}
    check_session(**case)

    def keep(account: Any, value: Any, verdict: Any) -> None:
        account._forward(value, value.frame, False)

    with patch("fuzzing.session.account.Account._decide", keep):
        with pytest.raises(AssertionError, match="the upstream got|lost"):
            check_session(**case)


def test_a_session_that_does_not_end_would_be_seen() -> None:
    real = session_module.after

    def forgetful(event: Event, self: State, peer: State) -> Step:
        step = real(event, self, peer)
        return step._replace(peer=State.OPEN, acts=tuple(act for act in step.acts if act is not Act.END_PEER))

    with patch.object(session_module, "after", forgetful), pytest.raises(AssertionError):
        check_session()


def test_a_fault_inside_would_be_seen() -> None:
    with patch.object(session_module.Session, "heard", side_effect=ZeroDivisionError("inside")):
        with pytest.raises(ZeroDivisionError):
            check_session(steps=[says("client", (8, b""))])


@pytest.mark.parametrize(
    ("data", "code"),
    [("\x81\x01a", None), ("\x83\x00", 1002), ("\x81\x01\xff", 1007), ("\x82\x7e\x01\x00", 1009), ("\x88\x01a", 1002)],
)
def test_the_reference_reads(data: str, code: int | None) -> None:
    spoken = read(bytes_of(data), masked=False, max_size=200)
    assert spoken.code == code
    assert len(spoken.frames) == (code is None)
