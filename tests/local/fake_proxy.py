#!/usr/bin/python3
"""Stands in for penstock-proxy where only its admin port matters: takes grants, gives reports, drains at SIGTERM.

Called as the real one: `fake_proxy.py --config FILE`. Reads the configuration again at SIGHUP. Its database facts are
FAKE_FACTS (JSON) if set; FAKE_EXIT makes it end at once with that status.
"""

import argparse
import http.server
import json
import os
import signal
import sys
import threading


class Proxy:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.grant = {"epoch": 0, "sequence": 0}
        self.draining = False
        self.errors = []
        self.config = None
        self.load()

    def load(self):
        try:
            with open(self.path) as file:
                self.config = json.load(file)
            self.errors = []
        except (OSError, ValueError) as error:
            self.errors = [str(error)]

    def take(self, grant):
        """Whether the grant is newer than the one in force."""
        with self.lock:
            newer = (grant["epoch"], grant["sequence"]) > (self.grant["epoch"], self.grant["sequence"])
            if newer:
                self.grant = grant
            return newer

    def report(self):
        facts = json.loads(os.environ.get("FAKE_FACTS", "null"))
        granted = self.grant.get("serverConnections", self.config.get("serverConnections", 1))
        report = {
            "pool": self.config["pool"],
            "proxyId": self.config["proxyId"],
            "epoch": self.grant["epoch"],
            "sequence": self.grant["sequence"],
            "granted": granted,
            "configGeneration": self.config.get("generation", 0),
            "configErrors": self.errors,
            "draining": self.draining,
        }
        if facts:
            facts.setdefault("seen", {})
            report["facts"] = facts
        else:
            report["factsError"] = "could not connect to server: Connection refused"
        return report


def make_handler(proxy, token):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status, document):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def is_allowed(self):
            return self.headers.get("Authorization") == "Bearer " + token

        def do_GET(self):
            if self.path == "/readyz":
                self.reply(503 if proxy.draining else 200, {})
            elif self.path == "/v1/report" and self.is_allowed():
                self.reply(200, proxy.report())
            else:
                self.reply(401 if self.path == "/v1/report" else 404, {})

        def do_PUT(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if not self.is_allowed():
                return self.reply(401, {})
            taken = proxy.take(json.loads(body))
            self.reply(200 if taken else 409, proxy.report())

        def log_message(self, *_):
            pass

    return Handler


def main():
    if "FAKE_EXIT" in os.environ:
        print("fake proxy ends at once")
        return int(os.environ["FAKE_EXIT"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    proxy = Proxy(parser.parse_args().config)
    with open(proxy.config["admin"]["tokenFile"]) as file:
        token = file.read().strip()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make_handler(proxy, token))
    server.daemon_threads = True

    def drain(*_):
        proxy.draining = True
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, drain)
    signal.signal(signal.SIGHUP, lambda *_: proxy.load())
    port_file = proxy.config["admin"]["portFile"]
    with open(port_file + ".new", "w") as file:
        file.write(f"{server.server_port}\n")
    os.rename(port_file + ".new", port_file)
    server.serve_forever(poll_interval=0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
