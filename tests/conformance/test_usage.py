"""The command: a mistake is one clear sentence, and a machine without Python 2.7 is told apart from a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance import __main__ as program
from conformance import install


@pytest.fixture
def no_python27(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHON27", str(tmp_path / "nothing"))
    monkeypatch.setattr(install, "STAMP", tmp_path / "no-stamp")


@pytest.mark.usefixtures("no_python27")
def test_without_python_27_the_quick_run_says_so_in_one_line_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--quick"]) == 0
    said = capsys.readouterr()
    assert said.out + said.err == (
        "conformance: not run: no Python 2.7 with ssl and zlib was found; name one with PYTHON27\n"
    )


@pytest.mark.usefixtures("no_python27")
def test_without_python_27_the_full_run_has_an_exit_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([]) == 3
    assert "no Python 2.7" in capsys.readouterr().err


def test_another_python_is_not_taken_for_27(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON27", sys.executable)
    with pytest.raises(install.NoPython27, match="PYTHON27"):
        install.python27()


def test_what_was_installed_from_these_pins_is_not_installed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pins, stamp = tmp_path / "pins", tmp_path / "stamp"
    pins.write_text("autobahn==0.10.9\n")
    monkeypatch.setattr(install, "PINS", pins)
    monkeypatch.setattr(install, "STAMP", stamp)
    monkeypatch.setenv("PYTHON27", str(tmp_path / "nothing"))
    with pytest.raises(install.NoPython27):
        install.installed()
    stamp.write_text("9" * 64)
    with pytest.raises(install.NoPython27):
        install.installed()
    stamp.write_text(install.pins_in_use())
    assert install.installed() == install.PYTHON


def test_every_pin_is_exact() -> None:
    assert all("==" in line for line in [*install.PINS.read_text().split(), *install.VIRTUALENV])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--modes", "plan"], "'plan' is none of plain, hook"), (["--cases", "8.*"], "'8.*' is no case: write 1.1.1")],
)
def test_a_mistake_is_named_with_what_may_be_written(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.main(arguments)
    assert sentence in capsys.readouterr().err
