"""A research partner with pynetdicom: partner_scp.py PORT FOLDER [--refuse-every N]

Takes every storage class in every transfer syntax, and gives what it holds by C-FIND and C-GET (Study Root, PS3.4 Annex C). Each arrival
becomes FOLDER/NNNNN.dcm and a line of FOLDER/arrivals.jsonl: {"at" seconds, "uid", "patient", "number", "data_set" and "pixels" as
SHA-256, "status"}. With --refuse-every N what has an Instance Number that N divides is refused with 0xC000 (PS3.4 Table B.2-1), and not
kept.
"""
import argparse
import hashlib
import json
import threading
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet,
                                  Verification)

# unique keys of PS3.4 Table C.6-5
KEYS = {"STUDY": ["StudyInstanceUID"], "SERIES": ["StudyInstanceUID", "SeriesInstanceUID"],
        "IMAGE": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]}


class Holdings:
    """What was kept, in files."""

    def __init__(self, folder):
        self.folder, self.lock = folder, threading.Lock()
        self.log = open(folder / "arrivals.jsonl", "a", buffering=1)
        self.count = len(list(folder.glob("*.dcm")))

    def keep(self, event):
        self.count += 1
        (self.folder / f"{self.count:05}.dcm").write_bytes(event.encoded_dataset())

    def matching(self, identifier):
        """Each held instance, as a whole, that fits the UIDs of a query; one key may list several (PS3.4 C.2.2.2.2)."""
        def fits(one, keyword):
            value = identifier.get(keyword)
            return not value or one.get(keyword) in ([value] if isinstance(value, str) else value)

        for path in sorted(self.folder.glob("*.dcm")):
            one = dcmread(path)
            if all(fits(one, keyword) for keyword in KEYS["IMAGE"]):
                yield one


def store(event, holdings, refuse_every):
    at, dataset = time.time(), event.dataset
    number = int(dataset.get("InstanceNumber") or 0)
    refused = bool(refuse_every) and number % refuse_every == 0
    status = 0xC000 if refused else 0
    arrival = {
        "at": at, "uid": dataset.SOPInstanceUID, "patient": dataset.PatientID, "number": number, "status": status,
        "data_set": hashlib.sha256(event.encoded_dataset(include_meta=False)).hexdigest(),
        "pixels": hashlib.sha256(bytes(dataset.get("PixelData", b""))).hexdigest(),
    }
    with holdings.lock:
        if not refused:
            holdings.keep(event)
        holdings.log.write(json.dumps(arrival) + "\n")
    return status


def find(event, holdings):
    asked, told = event.identifier, set()
    for one in holdings.matching(asked):
        unique = tuple(one[keyword].value for keyword in KEYS[asked.QueryRetrieveLevel])
        if unique not in told:
            told.add(unique)
            answer = Dataset()
            answer.QueryRetrieveLevel = asked.QueryRetrieveLevel
            for element in asked:
                if element.keyword in one and element.keyword != "QueryRetrieveLevel":
                    answer.add(one[element.keyword])
            yield 0xFF00, answer


def get(event, holdings):
    found = list(holdings.matching(event.identifier))
    yield len(found)
    for one in found:
        yield 0xFF00, one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--refuse-every", type=int, default=0)
    args = parser.parse_args()
    holdings = Holdings(args.folder)
    ae = AE("UNI")
    ae.maximum_associations = 50
    for context in AllStoragePresentationContexts:
        # both roles: what is given by C-GET is sent by the side that accepted the association (PS3.7 D.3.3.4)
        ae.add_supported_context(context.abstract_syntax, AllTransferSyntaxes, scu_role=True, scp_role=True)
    for service in (StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet, Verification):
        ae.add_supported_context(service)
    handlers = [(evt.EVT_C_STORE, store, [holdings, args.refuse_every]), (evt.EVT_C_FIND, find, [holdings]),
                (evt.EVT_C_GET, get, [holdings])]
    ae.start_server(("127.0.0.1", args.port), block=True, evt_handlers=handlers)


if __name__ == "__main__":
    main()
