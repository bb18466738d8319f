"""The sections ``gateway.tracing``, ``gateway.access_log`` and ``gateway.log_format`` of the file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framegate.config.configuration import AccessLog, Tracing
from tests.config.files import complaint, complaints, config


def gateway(*lines: str) -> str:
    return "gateway:\n" + "".join(f"  {line}\n" for line in lines)


def test_without_them_nothing_is_told(tmp_path: Path) -> None:
    found = config(tmp_path, "").gateway
    assert (found.tracing, found.access_log, found.log_format) == (None, None, "text")


# tracing


def test_traces_need_no_field(tmp_path: Path) -> None:
    assert config(tmp_path, gateway("tracing: {}")).gateway.tracing == Tracing()


def test_every_field_of_tracing_is_taken(tmp_path: Path) -> None:
    text = gateway(
        "tracing:",
        "  endpoint: https://otel.internal:4318/v1/traces",
        "  service_name: edge",
        "  sample_ratio: 0.25",
        "  accept_context: always",
        "  headers: {Authorization: '{vault://env/otel-token}', X-Scope-OrgID: a}",
        "  compression: gzip",
        "  timeout: 2500",
        "  export_interval: 100",
        "  queue_size: 10",
    )
    assert config(tmp_path, text, environment={"OTEL_TOKEN": "Bearer t"}).gateway.tracing == Tracing(
        endpoint="https://otel.internal:4318/v1/traces",
        service_name="edge",
        sample_ratio=0.25,
        accept_context="always",
        headers=(("Authorization", "Bearer t"), ("X-Scope-OrgID", "a")),
        compression="gzip",
        timeout=2.5,
        export_interval=0.1,
        queue_size=10,
    )


@pytest.mark.parametrize("ratio", ["0", "1", "0.001"])
def test_a_ratio_is_from_0_to_1(tmp_path: Path, ratio: str) -> None:
    found = config(tmp_path, gateway(f"tracing: {{sample_ratio: {ratio}}}")).gateway.tracing
    assert found is not None and found.sample_ratio == float(ratio)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("endpoint: localhost:4318", "endpoint: must be an http or https URL, not 'localhost:4318' (as in http://"),
        ("endpoint: 'http://:4318/'", "endpoint: 'http://:4318/' is no URL (as in http://127.0.0.1:4318/v1/traces)"),
        ("endpoint: 'http://h:0/'", "endpoint: 'http://h:0/' is no URL"),
        ("endpoint: 'http://u:pw@h/'", "endpoint: must have no user information in it (send it in headers: "),
        ("sample_ratio: 1.01", "sample_ratio: must be from 0 to 1, not 1.01"),
        ("sample_ratio: -0.1", "sample_ratio: must be from 0 to 1, not -0.1"),
        ("accept_context: never", "accept_context: must be 'trusted' or 'always', not 'never'"),
        ("headers: {'a b': x}", "headers"),
        ("service_name: ''", "service_name: "),
        ("timeout: 0", "timeout: must be from 1 to 600000, not 0"),
        ("queue_size: 0", "queue_size: must be from 1 to 1000000, not 0"),
        ("compression: zstd", "compression: must be 'none' or 'gzip', not 'zstd'"),
        ("sampling: 1", "sampling: there is no field 'sampling'"),
    ],
)
def test_a_field_of_tracing_that_is_wrong_is_named(tmp_path: Path, field: str, said: str) -> None:
    assert complaint(tmp_path, gateway(f"tracing: {{{field}}}")).startswith(f"3: gateway.tracing.{said}")


def test_a_header_field_of_two_lines_is_refused_without_being_shown(tmp_path: Path) -> None:
    said = complaint(tmp_path, gateway("tracing:", '  headers: {Authorization: "hush\\nX-More: 1"}'))
    assert said.startswith("4: gateway.tracing.headers")
    assert "must be the value of a header field, in one line" in said
    assert "hush" not in said


def test_header_fields_are_not_shown_by_the_configuration(tmp_path: Path) -> None:
    found = config(tmp_path, gateway("tracing: {headers: {Authorization: hush}}")).gateway
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["opentelemetry.sdk"], "opentelemetry-sdk, which is"),
        (["opentelemetry.exporter"], "opentelemetry-exporter-otlp-proto-http, which is"),
        (["opentelemetry"], "opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http, which are"),
    ],
)
def test_traces_without_their_libraries_are_an_error_with_its_mend(
    gone: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    for name in gone:
        # What has None here is not found, wherever it is installed.
        monkeypatch.setitem(sys.modules, name, None)
    assert complaint(tmp_path, gateway("workers: 1", "tracing: {}")) == (
        f"4: gateway.tracing: needs {said} not installed (pip install 'framegate[otel]')"
    )


# access_log


def test_an_access_log_is_beside_the_file(tmp_path: Path) -> None:
    found = config(tmp_path, gateway("access_log: {path: access.log}")).gateway.access_log
    assert found == AccessLog(str(tmp_path / "access.log"), "json", 10_000)


def test_a_dash_is_standard_output(tmp_path: Path) -> None:
    found = config(tmp_path, gateway("access_log: {path: '-', format: text, queue_size: 5}")).gateway.access_log
    assert found == AccessLog(None, "text", 5)


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert complaint(tmp_path, gateway("access_log: {path: none/access.log}")) == (
        f"3: gateway.access_log.path: the folder '{tmp_path / 'none'}' does not exist (make it first)"
    )
    assert complaint(tmp_path, gateway("access_log: {path: logs}")) == (
        f"3: gateway.access_log.path: '{tmp_path / 'logs'}' is a folder (name a file in it)"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("access_log: {}", "access_log: path is missing"),
        ("access_log: access.log", "access_log: must be a mapping, not a text"),
        ("access_log: {path: a, format: xml}", "access_log.format: must be 'json' or 'text', not 'xml'"),
        ("access_log: {path: a, queue_size: 0}", "access_log.queue_size: must be from 1 to 1000000, not 0"),
        ("log_format: yaml", "log_format: must be 'text' or 'json', not 'yaml'"),
    ],
)
def test_a_field_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    assert complaint(tmp_path, gateway(line)).startswith(f"3: gateway.{said}")


def test_one_wrong_section_hides_no_other(tmp_path: Path) -> None:
    found = complaints(tmp_path, gateway("tracing: {timeout: 0}", "access_log: {path: none/a}", "log_format: x"))
    assert [line.split(": ")[1] for line in found] == [
        "gateway.tracing.timeout",
        "gateway.access_log.path",
        "gateway.log_format",
    ]
