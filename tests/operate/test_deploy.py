"""What is in deploy/ holds against the schemas of those who will read it, and against the program itself."""

from __future__ import annotations

import configparser
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import finished

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OURS = [file for file in MANIFESTS if file.name != "kustomization.yaml"]


def loaded(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "kubernetes" / f"{name}.yaml").read_text())


# Kubernetes


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_a_manifest_is_what_the_api_s_schema_says(file: Path) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not installed")
    version = validator.latest_version()
    validator.validate(yaml.safe_load(file.read_text()), version, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not installed")
    manifest = loaded("deployment")
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 60
    with pytest.raises(validator.ValidationError):
        validator.validate(manifest, validator.latest_version(), strict=True)


def test_the_kustomization_lists_every_manifest() -> None:
    assert sorted(loaded("kustomization")["resources"]) == [file.name for file in OURS]


def test_check_accepts_the_file_of_the_config_map(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(loaded("configmap")["data"]["gateway.yaml"])
    ended = finished("check", str(file))
    assert (ended.returncode, ended.stderr) == (0, ""), ended


def test_a_pod_has_more_time_to_end_than_its_drain_takes() -> None:
    pod = loaded("deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][-1].partition("sleep(")[2].rstrip(")"))
    gateway = yaml.safe_load(loaded("configmap")["data"]["gateway.yaml"])["gateway"]
    drain = (gateway["limits"]["drain_timeout"] + gateway.get("pre_drain_delay", 0)) / 1000
    assert gateway["limits"]["drain_window"] < gateway["limits"]["drain_timeout"]
    assert pod["terminationGracePeriodSeconds"] > wait + drain + 10


def test_ports_probes_and_selectors_fit_together() -> None:
    template = loaded("deployment")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    gateway = yaml.safe_load(loaded("configmap")["data"]["gateway.yaml"])["gateway"]
    assert gateway["listen"] == [f"0.0.0.0:{ports['websocket']}"]
    assert gateway["status_listen"] == f"0.0.0.0:{ports['status']}"
    paths = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in paths.items()} == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in paths.values()} == {"status"} and ports["status"] == 8100
    service = loaded("service")["spec"]
    assert service["ports"][0]["targetPort"] in ports
    labels = template["metadata"]["labels"]
    assert service["selector"] == labels
    assert loaded("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert template["spec"]["volumes"][0]["configMap"]["name"] == loaded("configmap")["metadata"]["name"]


# Containers


def test_the_containerfile_is_one_and_ends_in_order() -> None:
    parser = pytest.importorskip("dockerfile_parse", reason="the parser of Containerfiles is not installed")
    found = parser.DockerfileParser(fileobj=io.BytesIO((DEPLOY / "Containerfile").read_bytes()))
    steps = [step for step in found.structure if step["instruction"] != "COMMENT"]
    named = {step["instruction"]: step["value"] for step in steps}
    assert found.is_multistage
    assert [image.partition("python:")[2] for image in found.parent_images] == ["3.11-slim", "3.11-slim"]
    assert named["STOPSIGNAL"] == "SIGTERM"
    # The exec form: the program is process 1 itself, and signals reach it.
    assert json.loads(named["ENTRYPOINT"]) == ["framegate"]
    assert json.loads(named["CMD"])[0] == "run"
    user = named["USER"].partition(":")[0]
    assert user.isdigit() and user != "0"
    last_stage = steps[max(n for n, step in enumerate(steps) if step["instruction"] == "FROM") :]
    assert not any("gcc" in step["value"] for step in last_stage)


def test_the_containerfile_copies_what_there_is() -> None:
    sources = [
        word
        for line in (DEPLOY / "Containerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert sources and all((DEPLOY.parent / source).exists() for source in sources), sources


# systemd


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def test_the_service_speaks_the_protocol_that_the_program_speaks() -> None:
    service = unit("framegate.service")["Service"]
    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert service["KillSignal"] == "SIGTERM" and service["KillMode"] == "mixed"
    assert int(service["WatchdogSec"].removesuffix("s")) > 0
    # drain_timeout of the gateway is 10 seconds, its plugins' last words may take 5.
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 15
    assert " run " in service["ExecStart"]
    assert service["User"] not in ("", "root")


def test_the_socket_is_one_that_the_program_takes() -> None:
    socket = unit("framegate.socket")["Socket"]
    assert socket["ListenStream"] and socket["Accept"] == "no"
    assert socket["FileDescriptorName"] == "listen-0"


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here to ask")
    for name in ("framegate.service", "framegate.socket"):
        # It wants to find the program; what is verified is everything else.
        text = (DEPLOY / "systemd" / name).read_text().replace("/opt/framegate/bin/framegate", "/bin/true")
        (tmp_path / name).write_text(text)
    units = [str(tmp_path / name) for name in ("framegate.service", "framegate.socket")]
    ended = subprocess.run(
        [analyze, "verify", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:", "SYSTEMD_LOG_LEVEL": "warning"},
    )
    ours = [line for line in ended.stderr.splitlines() if "framegate" in line]
    assert (ended.returncode, ours) == (0, []), ended.stderr
