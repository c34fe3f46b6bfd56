"""Tries associations with pynetdicom: associate.py PORT CALLING,CALLED,SOURCE...

SOURCE is the address to call from. Prints one JSON line per attempt: {"accepted": true, "echo": DIMSE status} or
{"accepted": false, "result": .., "source": .., "reason": ..}, the fields of A-ASSOCIATE-RJ (PS3.8 Table 9-21), null if none came.
"""
import json
import sys

from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.sop_class import Verification

from single_reader import single_reader


def attempt(port, calling, called, source):
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.add_requested_context(Verification)
    # The PDU itself: pynetdicom 3.0.4 reports an abort instead of the rejection when the peer is faster than its own thread.
    received = []
    handlers = [(evt.EVT_PDU_RECV, lambda event: received.append(event.pdu))]
    association = ae.associate("127.0.0.1", port, ae_title=called, bind_address=(source, 0), evt_handlers=handlers)
    if association.is_established:
        with single_reader(association):
            status = association.send_c_echo().get("Status")
            association.release()
        return {"accepted": True, "echo": status}
    answer = next((pdu for pdu in received if isinstance(pdu, A_ASSOCIATE_RJ)), None)
    return {
        "accepted": False,
        "result": answer.result if answer else None,
        "source": answer.source if answer else None,
        "reason": answer.reason_diagnostic if answer else None,
    }


if __name__ == "__main__":
    for one in sys.argv[2:]:
        print(json.dumps(attempt(int(sys.argv[1]), *one.split(","))), flush=True)
