"""The sites that are measured: the default configuration, and what a bar asks for beside it."""
import contextlib
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/research-pacs"
# pynetdicom installs programs with dcmtk's names
ENVIRONMENT = {**os.environ, "PATH": "/usr/bin:/usr/sbin:/bin:" + os.environ["PATH"]}

RECEIVE_ONLY = """[[project]]
id = "rx"
called_ae_titles = ["ARCHIVE"]
mode = "receive-only"
"""


def eager_project(sink):
    """A project that sends to the port `sink` batch by batch."""
    return f"""[[project]]
id = "p1"
called_ae_titles = ["P1"]
mode = "pseudonymise"
export_mode = "eager"
partners = ["sink"]
[project.dossier]
state = "active"
version = 1
valid_until = "2099-12-31"
mode = "pseudonymise"
recipients = ["sink"]
inclusion_required = false
[project.clinical_trial]
sponsor_name = "SPONSOR"
protocol_id = "BENCH"
[[partner]]
id = "sink"
[partner.transport.dicom]
host = "127.0.0.1"
port = {sink}
called = "SINK"
calling = "RPACS"
"""


class Site:
    """A site in a folder, for one node on this machine."""

    def __init__(self, folder, node, projects, dicom=""):
        self.data, self.config, self.key = folder / "data", folder / "site.toml", folder / "vault.key"
        self.config.write_text(f"""[site]
data = "{self.data}"
[dicom]
listen = "127.0.0.1:0"
{dicom}
[http]
listen = "127.0.0.1:0"
[vault]
key = {{ file = "{self.key}" }}
[[node]]
name = "bench"
ae_title = "{node}"
addresses = ["127.0.0.1/32"]
{projects}""")

    def make_vault(self):
        subprocess.run([BINARY, "vault", "init", "--config", self.config], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        """(the process, its DICOM port)"""
        command = [BINARY, "serve", "--config", self.config, "--json"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
        return child, int(json.loads(child.stdout.readline())["dicom"].rpartition(":")[2])

    @contextlib.contextmanager
    def running(self):
        """The same; ended politely afterwards."""
        child, port = self.start()
        try:
            yield child, port
        finally:
            child.terminate()
            child.wait(60)
