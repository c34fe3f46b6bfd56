"""Our de-identifier as the benches call it, and the names of its options."""
import json
import os
import secrets
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("RESEARCH_PACS_BIN") or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/research-pacs")

# Our name of an option of PS3.15 E.3 → (code of CID 7050, name of its column in Table E.1-1 as the judge writes it; None where it has none)
OPTIONS = {
    "clean_pixel_data": ("113101", "clean_pixel_data"),
    "clean_recognizable_visual_features": ("113102", None),
    "clean_graphics": ("113103", "clean_graphics"),
    "clean_structured_content": ("113104", "clean_structured_content"),
    "clean_descriptors": ("113105", "clean_descriptors"),
    "retain_longitudinal_full_dates": ("113106", "rtn_long_full_dates"),
    "retain_longitudinal_modified_dates": ("113107", "rtn_long_modified_dates"),
    "retain_patient_characteristics": ("113108", "rtn_patient_chars"),
    "retain_device_identity": ("113109", "rtn_device_identity"),
    "retain_uids": ("113110", "rtn_uids"),
    "retain_safe_private": ("113111", "rtn_safe_private"),
    "retain_institution_identity": ("113112", "rtn_institution_identity"),
}
BASIC = "113100"
# Seconds that one call may last.
PATIENCE = 3600


@dataclass
class Answer:
    """What one call of `research-pacs deid` said."""
    status: int
    stderr: str
    left: dict = field(default_factory=dict)  # path → (code, reason)
    summary: dict = field(default_factory=dict)

    @property
    def crashed(self):
        """Neither 0 (all done) nor 1 (something left out, and named), or a panic."""
        return self.status not in (0, 1) or "panicked" in self.stderr or not self.summary


def deid(source, output, *, profile=None, options=(), key=None, report=None, uid_map=None, patient_map=None):
    """De-identifies the file or folder `source` into `output`."""
    # what is judged is the de-identification, not what a person is asked about
    command = [BINARY, "deid", "--json", "--accept-uninspected"]
    for name, value in (("--profile", profile), ("--key-file", key), ("--report", report), ("--uid-map", uid_map), ("--patient-map", patient_map)):
        if value:
            command += [name, value]
    for option in options:
        command += ["--option", option]
    done = subprocess.run([*map(str, command), str(source), str(output)], capture_output=True, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)
    answer = Answer(done.returncode, done.stderr)
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if "code" in said:
            answer.left[said["left_out"]] = (said["code"], said["reason"])
        else:
            answer.summary = said
    return answer


def options_of(profile, options=()):
    """The options of a shipped profile or of a profile's file, and those given beside it."""
    if profile is None:
        return set(options)
    path = Path(profile) if Path(profile).is_file() else ROOT / f"crates/deidentification/data/profiles/{profile}.toml"
    return {*tomllib.loads(path.read_text()).get("options", ()), *options}


def new_key(path):
    """A key file of a run."""
    path.write_text(secrets.token_hex(32) + "\n")
    path.chmod(0o600)
    return path
