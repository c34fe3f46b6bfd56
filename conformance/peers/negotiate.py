"""Proposes presentation contexts one by one with pynetdicom: negotiate.py PORT CALLED [ABSTRACT_SYNTAX TRANSFER_SYNTAX]...

Without pairs: each storage SOP class that pynetdicom knows (PS3.4 Table B.5-1) with each transfer syntax in which a C-STORE can carry it.
Prints {"abstract": .., "syntax": .., "result": ..} for each; result as in PS3.8 Table 9-18: 0 accepted, 3 abstract syntax not
supported, 4 transfer syntaxes not supported.
"""
import json
import sys

from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, build_context
from pynetdicom.presentation import AllStoragePresentationContexts

NOT_STORED = ("1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204", "1.2.840.10008.1.2.4.205",
              "1.2.840.10008.1.2.7.")
MOST_CONTEXTS = 128


def matrix():
    syntaxes = [one for one in AllTransferSyntaxes if not one.startswith(NOT_STORED)]
    return [(context.abstract_syntax, syntax) for context in AllStoragePresentationContexts for syntax in syntaxes]


def main():
    port, called = int(sys.argv[1]), sys.argv[2]
    pairs = list(zip(sys.argv[3::2], sys.argv[4::2])) or matrix()
    for start in range(0, len(pairs), MOST_CONTEXTS):
        ae = AE("MODALITY")
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
        some = pairs[start:start + MOST_CONTEXTS]
        contexts = [build_context(abstract, syntax) for abstract, syntax in some]
        association = ae.associate("127.0.0.1", port, contexts=contexts, ae_title=called)
        for context in association.accepted_contexts + association.rejected_contexts:
            abstract, syntax = some[context.context_id // 2]  # ids are 1, 3, 5, ... in the order proposed
            print(json.dumps({"abstract": abstract, "syntax": syntax, "result": context.result}), flush=True)
        if association.is_established:
            association.release()


if __name__ == "__main__":
    main()
