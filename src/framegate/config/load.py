"""Loads the gateway's file: the one way from a path to a configuration.

Every step goes on where another has found something wrong, as far as it can, so that one run tells everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from framegate.config.configuration import Configuration
from framegate.config.draft import Draft, Drafts
from framegate.config.environment import resolve_references
from framegate.config.gateway_section import GatewaySection
from framegate.config.gather import Sections, gather
from framegate.config.identity import check_unique, give_ids, link
from framegate.config.pem import warn_of_dates, warn_of_names
from framegate.config.plugin_configs import Catalog, PluginConfigs, first_reader
from framegate.config.problems import Problems
from framegate.config.reading import read_document
from framegate.config.resolve import resolve
from framegate.config.rules import check_rules
from framegate.config.session_options import check_options
from framegate.config.ties import ties
from framegate.errors import ConfigError

FindPlugins = Callable[[list[Path]], Catalog]
"""Finds the plugins in folders and the bundled ones, as :meth:`framegate.pdk.catalog.Catalog.find` does."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file.

    Attributes:
        config: the configuration; None where there are problems.
        problems: everything that is wrong, the file's own first, by line.
        warnings: what is worth a look, and keeps nothing from running.
    """

    config: Configuration | None
    problems: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


def load(
    path: str | Path,
    *,
    catalog: FindPlugins,
    environment: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Loaded:
    """Load a file.

    Args:
        path: YAML, or JSON where its name ends in ``.json``.
        catalog: finds the plugins in the folders that the file names.
        environment: what references of the file read; None takes the process's.
        content: what the file holds, where somebody has read it already; None reads it.
    """
    problems = Problems(str(path))
    config = _load(Path(path), catalog, os.environ if environment is None else environment, problems, content)
    found = problems.sorted()
    return Loaded(None if found else config, found, problems.warnings)


def plugin_folders(path: str | Path, *, environment: Mapping[str, str] | None = None) -> list[Path]:
    """The folders with plugins that a file names and that are there; nothing else of the file needs to be right.

    Raises:
        ConfigError: the file cannot be read.
    """
    problems = Problems(str(path))
    document = read_document(Path(path), problems)
    if document is None:
        raise problems.sorted()[0]
    problems.document = document
    document.data = resolve_references(document.data, os.environ if environment is None else environment, problems)
    _, sections = gather(document, problems)
    return list(GatewaySection(sections, Path(path).absolute().parent, problems).plugin_paths())


def _load(
    path: Path,
    catalog: FindPlugins,
    environment: Mapping[str, str],
    problems: Problems,
    content: bytes | None,
) -> Configuration | None:
    document = read_document(path, problems, content)
    if document is None:
        return None
    problems.document = document
    document.data = resolve_references(document.data, environment, problems)
    drafts, sections = gather(document, problems)
    check_rules(drafts, problems)
    link(drafts, problems)
    check_unique(drafts, problems)
    give_ids(drafts)
    _check_ties(drafts, problems)
    _check_transform(sections, drafts, problems)
    _warn(drafts, problems)
    folder = path.absolute().parent
    section = GatewaySection(sections, folder, problems)
    folders = section.plugin_paths()
    found = catalog(list(folders))
    problems.add(found.faults)
    complete = "plugin_paths" not in section.wrong
    plugins = PluginConfigs(found, problems, complete_catalog=complete, folder=folder)
    plugins.check(drafts.of("plugins"))
    gateway = section.resolve(folders, has_server_names=bool(drafts.of("snis")))
    _check_compression(gateway.options.get("compression"), plugins, problems)
    check_options(drafts, gateway.options, _reader(plugins), problems)
    if problems.errors:
        return None
    return resolve(path, gateway, drafts, plugins.instances)


def _check_ties(drafts: Drafts, problems: Problems) -> None:
    criteria = ("hosts", "paths", "headers", "snis", "methods", "regex_priority", "created_at")
    sound = {id(draft.fields): draft for draft in drafts.of("routes") if draft.is_sound(*criteria) and _runs(draft)}
    for first, second, shared in ties([draft.fields for draft in sound.values()]):
        one = sound[id(first)]
        name = repr(first.name) if first.name else "a route without a name"
        what = f"takes the same requests as {name} (line {one.line}), and nothing says which comes first: {shared}"
        problems.at(sound[id(second)].path, what, "tell them apart by their criteria, or remove one")


def _runs(route: Draft) -> bool:
    service = route.one("service")
    matches = any(getattr(route.fields, name) for name in ("hosts", "paths", "headers", "snis"))
    return matches and (service is None or service.fields.enabled is not False)


def _check_transform(sections: Sections, drafts: Drafts, problems: Problems) -> None:
    if sections.file.transform is False and drafts.of("basicauth_credentials"):
        what = "hashed passwords are not served, and false says that those of basicauth_credentials are"
        problems.at(("_transform",), what, "write the passwords as they are, or as {vault://env/NAME}")


def _check_compression(compression: object, plugins: PluginConfigs, problems: Problems) -> None:
    if compression == "pass" and (reader := _reader(plugins)) is not None:
        what = f"must not be pass together with {reader}, which reads payloads"
        problems.at(("gateway", "options", "compression"), what, "write auto")


def _reader(plugins: PluginConfigs) -> str | None:
    reader = first_reader(plugins.instances)
    return None if reader is None else f"the plugin {reader[1].name} (line {reader[0].line})"


def _warn(drafts: Drafts, problems: Problems) -> None:
    for draft in drafts.of("snis"):
        certificate = draft.one("certificate")
        if certificate is not None and draft.is_sound("name") and certificate.is_sound("cert"):
            warn_of_names(problems, (*draft.path, "name"), draft.fields.name, certificate.fields.cert)
    for kind in ("certificates", "ca_certificates"):
        for draft in drafts.of(kind):
            for name in ("cert", "cert_alt"):
                text = getattr(draft.fields, name, None)
                if text is not None:
                    warn_of_dates(problems, (*draft.path, name), text)
