"""A research partner with pynetdicom: partner_scp.py PORT FOLDER [--refuse-every N]

Takes every storage class in every transfer syntax. Each arrival becomes FOLDER/NNNNN.dcm and a line of FOLDER/arrivals.jsonl: {"at"
seconds, "uid", "patient", "number", "data_set" and "pixels" as SHA-256, "status"}. With --refuse-every N what has an Instance Number
that N divides is refused with 0xC000 (PS3.4 Table B.2-1), and not kept.
"""
import argparse
import hashlib
import json
import threading
import time
from pathlib import Path

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--refuse-every", type=int, default=0)
    args = parser.parse_args()
    lock = threading.Lock()
    log = open(args.folder / "arrivals.jsonl", "a", buffering=1)
    count = len(list(args.folder.glob("*.dcm")))

    def store(event):
        nonlocal count
        at = time.time()
        dataset = event.dataset
        number = int(dataset.get("InstanceNumber") or 0)
        refused = bool(args.refuse_every) and number % args.refuse_every == 0
        status = 0xC000 if refused else 0
        arrival = {
            "at": at, "uid": dataset.SOPInstanceUID, "patient": dataset.PatientID, "number": number, "status": status,
            "data_set": hashlib.sha256(event.encoded_dataset(include_meta=False)).hexdigest(),
            "pixels": hashlib.sha256(bytes(dataset.get("PixelData", b""))).hexdigest(),
        }
        with lock:
            if not refused:
                count += 1
                (args.folder / f"{count:05}.dcm").write_bytes(event.encoded_dataset())
            log.write(json.dumps(arrival) + "\n")
        return status

    ae = AE("UNI")
    ae.maximum_associations = 50
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, AllTransferSyntaxes)
    ae.add_supported_context(Verification)
    ae.start_server(("127.0.0.1", args.port), block=True, evt_handlers=[(evt.EVT_C_STORE, store)])


if __name__ == "__main__":
    main()
