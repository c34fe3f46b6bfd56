"""Sends files with pynetdicom as they are on disk: send.py --port PORT --called AET [--calling AET] FILE...

Prints one JSON line per file: {"file": name without suffix, "status": DIMSE status or null}.
"""
import argparse
import json
from pathlib import Path

from pydicom import config
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, _config

from single_reader import single_reader

# The bytes of the file, not what pydicom makes of them; among them are titles and UIDs that it would refuse.
_config.STORE_SEND_CHUNKED_DATASET = True
config.settings.reading_validation_mode = config.IGNORE
MOST_CONTEXTS = 128


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--called", required=True)
    parser.add_argument("--calling", default="MODALITY")
    parser.add_argument("files", nargs="+", type=Path)
    args = parser.parse_args()

    wanted = {}
    for path in args.files:
        meta = read_file_meta_info(path)
        wanted.setdefault((meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID), []).append(path)
    contexts = list(wanted)
    for start in range(0, len(contexts), MOST_CONTEXTS):
        ae = AE(args.calling)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
        some = contexts[start:start + MOST_CONTEXTS]
        for sop_class, syntax in some:
            ae.add_requested_context(sop_class, syntax)
        association = ae.associate("127.0.0.1", args.port, ae_title=args.called)
        with single_reader(association):
            for context in some:
                for path in wanted[context]:
                    print(json.dumps({"file": path.stem, "status": store(association, path)}), flush=True)
            if association.is_established:
                association.release()


def store(association, path):
    if not association.is_established:
        return None
    try:
        return association.send_c_store(path).get("Status")
    except ValueError:  # no presentation context was accepted for it
        return None


if __name__ == "__main__":
    main()
