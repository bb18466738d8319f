"""When the certificates of a gateway expire."""

from __future__ import annotations

import datetime
import json
from functools import partial
from pathlib import Path

import trustme

from framegate.config.load import load
from framegate.observe.whole import Certificates
from framegate.pdk.catalog import Catalog

SOON = datetime.datetime(2031, 5, 6, tzinfo=datetime.UTC)


def test_each_certificate_that_is_shown_is_told_with_its_end(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("localhost", not_after=SOON)
    cert, key = leaf.cert_chain_pems[0].bytes().decode(), leaf.private_key_pem.bytes().decode()
    (tmp_path / "cert.pem").write_text(cert)
    (tmp_path / "key.pem").write_text(key)
    entry = {"cert": cert, "key": key, "snis": [{"name": "chat.example"}]}
    (tmp_path / "gateway.yaml").write_text(
        '_format_version: "3.0"\ngateway:\n  listen:\n'
        '  - {address: "127.0.0.1:8443", tls: {cert: cert.pem, key: key.pem}}\n'
        f"certificates: [{json.dumps(entry)}]\n"
        "services:\n- {name: main, url: 'ws://127.0.0.1:9/', routes: [{name: main, paths: [/]}]}\n"
    )
    find = partial(Catalog.find, bundled=False, entry_points=False)
    found = load(tmp_path / "gateway.yaml", catalog=find, environment={})
    assert found.config is not None, found.problems
    certificates = Certificates()
    expiries = certificates.expiries(found.config)
    assert expiries == {("listen", "127.0.0.1:8443"): SOON.timestamp(), ("sni", "chat.example"): SOON.timestamp()}
    (tmp_path / "cert.pem").unlink()
    assert certificates.expiries(found.config) == expiries, "it is looked at once for each configuration"
    assert list(Certificates().expiries(found.config)) == [("sni", "chat.example")]
