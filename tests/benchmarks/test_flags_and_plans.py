"""What the flags of `python -m benchmarks` ask for, and what they refuse."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as program
from benchmarks import cpu, flags, scenarios, sections
from benchmarks.errors import BenchmarkError
from benchmarks.peers import KINDS
from benchmarks.plans import DEFAULT, FULL, QUICK, SECTIONS, Plan
from benchmarks.scenarios import Scenario, parse_size, size_name

MIB = 1024 * 1024


def plan_of(*argv: str) -> Plan:
    return flags.plan(flags.parser().parse_args(argv))


@pytest.mark.parametrize(
    ("text", "size"), [("64", 64), ("16b", 16), ("4k", 4096), (" 256K ", 256 * 1024), ("16m", 16 * MIB)]
)
def test_a_size_is_bytes_or_has_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "1.5k", "-64", "64g", "15", "lots"])
def test_a_size_that_is_none_or_too_small_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "name"), [(16, "16 B"), (1024, "1 KiB"), (1500, "1500 B"), (256 * 1024, "256 KiB"), (16 * MIB, "16 MiB")]
)
def test_a_size_is_named_in_the_largest_whole_unit(size: int, name: str) -> None:
    assert size_name(size) == name


def test_sizes_are_sorted_and_each_is_taken_once() -> None:
    assert plan_of("--sizes", "16k,64,64b").sizes == (64, 16 * 1024)


def test_peers_and_sections_come_in_the_order_of_the_reports() -> None:
    plan = plan_of("--only", "framegate, nginx", "--sections", "idle,load")
    assert (plan.peers, plan.sections) == (("nginx", "framegate"), ("load", "idle"))


@pytest.mark.parametrize(
    "argv",
    [
        ("--only", "ngnix"),
        ("--sections", "lod"),
        ("--sizes", "8"),
        ("--rounds", "0"),
        ("--idle", "many"),
        ("--quick", "--full"),
    ],
)
def test_what_is_not_known_ends_with_a_usage_error(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        plan_of(*argv)
    assert end.value.code == 2
    assert argv[0] in capsys.readouterr().err


def test_idle_connections_are_more_than_their_baseline() -> None:
    with pytest.raises(BenchmarkError, match="more than the baseline of 100"):
        plan_of("--idle", "100")


def test_the_full_plan_has_every_peer_and_every_section() -> None:
    plan = plan_of("--full")
    assert (plan.peers, plan.sections, plan.idle_connections) == (tuple(KINDS), SECTIONS, 10_000)
    assert set(QUICK.peers) < set(DEFAULT.peers) < set(FULL.peers)


def test_a_load_that_two_sections_ask_for_is_measured_once() -> None:
    names = [scenario.name for scenario in sections.plain_scenarios(FULL)]
    assert len(set(names)) == len(names)
    assert {"64 B, 1000 × 8", "16 B, 16 × 1", "64 B, 1 × 1", "16 MiB, 2 × 1"} <= set(names)


def test_a_scenario_names_its_setting_behind_its_load() -> None:
    assert Scenario(64, 16, 8, setting="TLS").name == "64 B, 16 × 8, TLS"
    assert scenarios.named("8 at a time", "plain") == "8 at a time"


def test_a_plan_counts_two_sockets_for_each_of_its_most_connections() -> None:
    assert FULL.open_files >= 20_000
    assert plan_of("--sections", "load").open_files < 1000


def refusing(wanted: int) -> None:
    if wanted > 5000:
        raise BenchmarkError(f"needs {wanted} open files")


def test_a_low_limit_on_open_files_makes_for_fewer_idle_connections_and_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "allow_open_files", refusing)
    monkeypatch.setattr(cpu, "hard_limit", lambda: 5000)
    plan, fewer = program._fitting(FULL, insist=False)
    assert plan.idle_connections == 2300 and plan.open_files <= 5000
    assert fewer == {"10000 idle connections": "needs 20400 open files; measured 2300 instead"}


def test_idle_connections_that_were_asked_for_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "allow_open_files", refusing)
    monkeypatch.setattr(cpu, "hard_limit", lambda: 5000)
    with pytest.raises(BenchmarkError, match="needs 20400 open files"):
        program._fitting(FULL, insist=True)


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    before = cpu.hard_limit()
    assert cpu.allow_open_files(64) is None
    assert cpu.hard_limit() == before
