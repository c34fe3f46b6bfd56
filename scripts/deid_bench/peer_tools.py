"""The de-identifiers that are measured side by side: how each is called on a flat folder of files, and what it costs.

Each runs its strictest ready-made profile; where a tool has a later table that is not its default, both are measured.
"""
import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import urllib.request
from pathlib import Path

import ours

VENV = ours.ROOT / ".venv-peers/bin"
ENVIRONMENT = {**os.environ, "PATH": "/usr/bin:/usr/sbin:/bin:" + os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
PATIENCE = 3600
# The command line of dicom-anonymizer has no choice of the table.
WITH_TABLE = """import os, sys
from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file, initialize_actions
rules = lambda: initialize_actions("dicomfields_2026c")
for name in sorted(os.listdir(sys.argv[1])):
    anonymize_dicom_file(os.path.join(sys.argv[1], name), os.path.join(sys.argv[2], name), base_rules_gen=rules)
"""


def cpu_of(command):
    """User and system seconds of a command and its children; its failures show in what it leaves behind."""
    child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime


class Command:
    """A tool that is a program."""
    def __init__(self, name, command):
        self.name, self.command = name, command

    @contextlib.contextmanager
    def ready(self, folder):
        yield

    def run(self, source, output):
        return cpu_of(self.command(source, output))


class Copy:
    """The base: read and write with a buffer of 256 KiB, the start of the interpreter not counted."""
    name = "plain copy"

    @contextlib.contextmanager
    def ready(self, folder):
        yield

    def run(self, source, output):
        buffer = bytearray(256 << 10)
        view, paths = memoryview(buffer), sorted(source.iterdir())
        before = resource.getrusage(resource.RUSAGE_SELF)
        for path in paths:
            read, write = os.open(path, os.O_RDONLY), os.open(output / path.name, os.O_WRONLY | os.O_CREAT, 0o644)
            while count := os.readv(read, [buffer]):
                os.write(write, view[:count])
            os.close(read)
            os.close(write)
        after = resource.getrusage(resource.RUSAGE_SELF)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Orthanc:
    """Its REST interface, by study; storing and fetching are not counted."""
    name = "Orthanc /anonymize"

    def __init__(self, judge):
        self.judge = judge

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    @contextlib.contextmanager
    def ready(self, folder):
        from bench_ingest import free_port
        port, self.http = free_port(), free_port()
        command = [sys.executable, self.judge / "peers.py", "orthanc-fast", "--root", folder / "orthanc", "--port", port, "--http", self.http]
        child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
        try:
            ready = re.match(r"ready pid=(\d+)", child.stdout.readline())
            if not ready:
                raise SystemExit("Orthanc did not start")
            self.pid = ready[1]
            yield
        finally:
            child.terminate()
            child.wait(60)

    def spent(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, source, output):
        for study in json.loads(self.ask("GET", "/studies")):
            self.ask("DELETE", f"/studies/{study}")
        for path in sorted(source.iterdir()):
            with contextlib.suppress(urllib.error.HTTPError):  # what it does not take is missing in the output
                self.ask("POST", "/instances", path.read_bytes())
        studies, before = json.loads(self.ask("GET", "/studies")), self.spent()
        made = [json.loads(self.ask("POST", f"/studies/{study}/anonymize", b'{"Synchronous": true}'))["ID"] for study in studies]
        spent = self.spent() - before
        for study in made:
            for instance in json.loads(self.ask("GET", f"/studies/{study}/instances")):
                (output / f"{instance['ID']}.dcm").write_bytes(self.ask("GET", f"/instances/{instance['ID']}/file"))
        return spent


def certificate(folder):
    """gdcmanon encrypts the original values for somebody."""
    path = folder / "certificate.pem"
    if not path.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "private.pem", "-out", path, "-subj", "/CN=bench", "-days", "30"],
                       check=True, capture_output=True)
    return path


def tools(judge, folder):
    """All of them, ours and the base first."""
    pem = certificate(folder)
    return [
        Copy(),
        Command("research-pacs", lambda source, output: [ours.BINARY, "deid", "--accept-uninspected", source, output]),
        Command("gdcmanon -e", lambda source, output: ["gdcmanon", "-e", "-c", pem, "-i", source, "-o", output, "-r", "--continue"]),
        Orthanc(judge),
        Command("dicom-anonymizer", lambda source, output: [VENV / "dicom-anonymizer", source, output]),
        Command("dicom-anonymizer, 2026c", lambda source, output: [VENV / "python", "-c", WITH_TABLE, source, output]),
        Command("dicognito", lambda source, output: [VENV / "python", "-m", "dicognito", "--quiet", "--output-directory", output, source]),
        Command("deid", lambda source, output: [VENV / "deid", "--quiet", "--overwrite", "--outfolder", output, "identifiers", "--action", "all", "--input", source]),
    ]


def versions():
    """{tool: version}"""
    frozen = subprocess.run([VENV / "python", "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^(deid|dicognito|dicom[-_]anonymizer)==(\S+)", frozen, re.M))
    found["gdcmanon"] = subprocess.run(["gdcmanon", "--version"], capture_output=True, text=True).stdout.split()[1]
    found["Orthanc"] = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True, env=ENVIRONMENT).stdout.split()[1]
    return found
