"""Copies Encrypted Attributes (0400,0500) from one file into another: encrypted.py FROM INTO [--nested]

FROM: what `gdcmanon -e` made. INTO: a result, which is changed. --nested: into an item of it, where the standard has none.
"""
import argparse

import pydicom

from result import item

parser = argparse.ArgumentParser()
parser.add_argument("source")
parser.add_argument("into")
parser.add_argument("--nested", action="store_true")
args = parser.parse_args()
encrypted = pydicom.dcmread(args.source).EncryptedAttributesSequence
one = pydicom.dcmread(args.into)
if args.nested:
    one.RequestAttributesSequence = [item(EncryptedAttributesSequence=encrypted)]
else:
    one.EncryptedAttributesSequence = encrypted
one.save_as(args.into)
