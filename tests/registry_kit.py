"""A registry of container images, as AWS's public one answers, for the tests of pulling."""

import contextlib
import http.server
import json
import threading

from faceblur.workshop.building import base, oci

PLACE = f"/v2/{base.REPOSITORY}"


class Registry(http.server.ThreadingHTTPServer):
    """A registry that lets anybody in who has asked for a token, and sends who wants a blob to another address."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.address, self.content, self.asked = f"http://127.0.0.1:{self.server_port}", {}, []
        self.turns = {}  # other answers first, by path
        self.realm, self.takes, self.tokens, self.sent = f"{self.address}/token", "Bearer anybody", [], []


class Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path.partition("?")[0])
        sent = self.headers.get("Authorization")
        self.server.sent.append((self.path, sent))
        kind, content, more = self.server.content.get(self.path, (404, b"", {}))
        if turns := self.server.turns.get(self.path):
            kind, content, more = turns.pop(0)
        if self.path.startswith("/token?service=here&scope=all"):
            self.server.tokens.append(self.path.partition("?")[2])
            kind, content = 200, b'{"token": "anybody"}'
        elif self.path.startswith("/v2/") and sent != self.server.takes:
            challenge = f'Bearer realm="{self.server.realm}",service="here",scope="all"'
            kind, content, more = 401, b"", {"WWW-Authenticate": challenge}
        elif self.path.startswith("/elsewhere/") and sent:
            kind, content = 400, b"one way to sign only"
        self.send_response(kind)
        for name, value in {"Content-Length": str(len(content)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def described(layer, **changes):
    """(manifest, config) of an image of this layer, as Docker has them; changes: of the layer's entry."""
    settings = {"Entrypoint": ["/lambda-entrypoint.sh"], "Env": ["PATH=/var/lang/bin"], "WorkingDir": "/var/task"}
    config = {"architecture": "amd64", "os": "linux", "config": settings, "history": [{"created_by": "AWS"}]}
    config = json.dumps(config | {"rootfs": {"type": "layers", "diff_ids": [layer.diff_id]}}).encode()
    kind = {"mediaType": base.LAYERS[1], "digest": layer.digest, "size": layer.size} | changes
    manifest = {"schemaVersion": 2, "mediaType": base.MANIFESTS[1], "config": {"digest": oci.digest_of(config)}}
    return json.dumps(manifest | {"layers": [kind]}).encode(), config


def contents(address, layer, manifest, config):
    """What a registry answers by path: an index for two architectures, its manifest, its blobs."""
    places = [("arm64", "sha256:" + "0" * 64), ("amd64", oci.digest_of(manifest))]
    index = [{"digest": digest, "platform": {"os": "linux", "architecture": name}} for name, digest in places]
    index.insert(0, {"digest": "sha256:" + "1" * 64, "platform": {"os": "unknown", "architecture": "unknown"}})
    return {
        f"{PLACE}/manifests/3.13": (200, json.dumps({"manifests": index}).encode(), {}),
        f"{PLACE}/manifests/{oci.digest_of(manifest)}": (200, manifest, {}),
        f"{PLACE}/blobs/{oci.digest_of(config)}": (200, config, {}),
        f"{PLACE}/blobs/{layer.digest}": (
            307,
            b"",
            {"Location": f"{address.replace('127.0.0.1', 'localhost')}/elsewhere/layer"},
        ),
        "/elsewhere/layer": (200, layer.path.read_bytes(), {}),
    }


def base_layer(folder):
    (folder / "entry").write_text("#!/bin/sh\nexec python bootstrap.py\n")
    return oci.write_layer(folder / "base.tar.gz", {"lambda-entrypoint.sh": folder / "entry"})


@contextlib.contextmanager
def serving(folder, **changes):
    """(registry, content of its base image's one layer). changes: of what the manifest says of the layer."""
    layer = base_layer(folder)
    with Registry() as server:
        server.content = contents(server.address, layer, *described(layer, **changes))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server, layer.path.read_bytes()
        server.shutdown()
