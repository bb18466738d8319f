"""References to the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.files import complaint, complaints, config

CONSUMER = "consumers:\n- username: a\n  keyauth_credentials:\n  - key: '%s'\n"


def key(folder: Path, reference: str, **environment: str) -> str:
    found = config(folder, CONSUMER % reference, environment=environment)
    return str(found.entities.all("keyauth_credentials")[0]["key"])


def test_a_reference_is_the_variable_in_upper_case_with_underscores(tmp_path: Path) -> None:
    assert key(tmp_path, "{vault://env/my-Api_key}", MY_API_KEY="s3cret") == "s3cret"


def test_a_reference_may_pick_a_value_of_a_json_object(tmp_path: Path) -> None:
    assert key(tmp_path, "{vault://env/keys/alice}", KEYS='{"alice": "s3cret", "bob": 7}') == "s3cret"
    assert key(tmp_path, "{vault://env/keys/bob}", KEYS='{"alice": "s3cret", "bob": 7}') == "7"


def test_what_is_found_is_a_text_and_is_not_read_again(tmp_path: Path) -> None:
    assert key(tmp_path, "{vault://env/a}", A="{vault://env/b}") == "{vault://env/b}"
    assert key(tmp_path, "{vault://env/a}", A="12") == "12"


def test_nothing_is_looked_up_for_a_comment(tmp_path: Path) -> None:
    assert config(tmp_path, "_comment: '{vault://env/nothing}'\nconsumers: [{username: a}]\n").consumers


def test_a_reference_stands_alone(tmp_path: Path) -> None:
    said = complaint(tmp_path, "consumers: [{username: 'x {vault://env/a}'}]\n", environment={"A": "no"})
    assert said == (
        "2: consumers[0].username: a reference stands in a longer text (let the variable hold the whole text)"
    )


def test_every_text_may_be_a_reference(tmp_path: Path) -> None:
    text = """
gateway: {listen: ["{vault://env/where}"], log_level: "{vault://env/level}"}
services:
- url: "{vault://env/url}"
  plugins: [{name: greeter-plugin, config: {greeting: "{vault://env/hi}"}}]
"""
    environment = {"WHERE": "127.0.0.1:7", "LEVEL": "debug", "URL": "ws://h:1/", "HI": "hey"}
    found = config(tmp_path, text, environment=environment)
    assert (found.gateway.listen[0].port, found.gateway.log_level) == (7, "debug")
    assert (found.services[0].host, found.plugins[0].instance.config["greeting"]) == ("h", "hey")


def test_what_a_variable_holds_is_checked_like_anything_else(tmp_path: Path) -> None:
    line = complaint(tmp_path, "services:\n- url: '{vault://env/url}'\n", environment={"URL": "http://h/"})
    assert line.startswith("3: services[0].url: 'http' is not served")


def test_a_variable_that_is_not_set_is_told_at_its_line_alone(tmp_path: Path) -> None:
    text = CONSUMER % "{vault://env/api-key}" + "services:\n- name: '{vault://env/name}'\n  url: '{vault://env/url}'\n"
    assert complaints(tmp_path, text, environment={"API_KEYS": "x"}) == [
        "5: consumers[0].keyauth_credentials[0].key: "
        "the environment variable API_KEY is not set, did you mean 'API_KEYS'?",
        "7: services[0].name: the environment variable NAME is not set",
        "8: services[0].url: the environment variable URL is not set",
    ]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{vault://hcv/a}", "the vault 'hcv' is not served (env is: {vault://env/NAME})"),
        ("{vault://env}", "{vault://env} is no reference (write {vault://env/NAME} or {vault://env/NAME/KEY})"),
        ("{vault://env/}", "{vault://env/} is no reference"),
        ("{vault://env/a/}", "{vault://env/a/} is no reference"),
        ("{vault://env/a?ttl=3}", "{vault://env/a?ttl=3} is no reference"),
        (
            "{vault://env/json/none}",
            "the JSON object in the environment variable JSON has no 'none', did you mean 'one'?",
        ),
        (
            "{vault://env/text/key}",
            "the environment variable TEXT holds no JSON object, of which 'key' could be picked",
        ),
        ("{vault://env/list/key}", "the environment variable LIST holds no JSON object"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_why(tmp_path: Path, reference: str, said: str) -> None:
    environment = {"JSON": '{"one": "s3cret"}', "TEXT": "s3cret", "LIST": '["s3cret"]'}
    line = complaint(tmp_path, CONSUMER % reference, environment=environment)
    assert line.startswith(f"5: consumers[0].keyauth_credentials[0].key: {said}")
    assert "s3cret" not in line


def test_a_reference_without_quotes_is_a_mapping_to_yaml(tmp_path: Path) -> None:
    line = complaint(tmp_path, "consumers:\n- username: {vault://env/name}\n")
    assert line == (
        '3: consumers[0].username: must be a text, not a mapping (put the reference in quotes: "{vault://env/NAME}")'
    )


def test_a_plugin_whose_configuration_lacks_a_variable_is_not_asked(tmp_path: Path) -> None:
    text = "plugins:\n- name: greeter-plugin\n  config:\n    greeting: '{vault://env/hi}'\n"
    assert complaints(tmp_path, text) == ["5: plugins[0].config.greeting: the environment variable HI is not set"]


def test_without_another_environment_the_process_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from framegate.config.load import load
    from tests.config.files import HEAD, catalog

    monkeypatch.setenv("FRAMEGATE_TEST_NAME", "alice")
    (tmp_path / "g.yaml").write_text(HEAD + "consumers: [{username: '{vault://env/framegate-test-name}'}]\n")
    found = load(tmp_path / "g.yaml", catalog=catalog).config
    assert found is not None and found.consumers[0].username == "alice"
