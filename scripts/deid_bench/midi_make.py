#!/usr/bin/env python3
"""Writes a corpus with an answer key, of the kind of the MIDI-B benchmark: midi_make.py FOLDER [--people N] [--slices N]

FOLDER/in holds the instances, FOLDER/key.json what has to be true of each after de-identification. The same arguments give the same bytes
with the same fonts. Every identity is invented; UIDs are of an example root.

What the key asks for follows PS3.15 Table E.1-1 under the Basic Profile with Clean Pixel Data, Clean Descriptors, Modified Dates, Patient
Characteristics and Safe Private, which is what TCIA does; read from the table, not from what our tool makes of it. Where the standard leaves
more than one outcome, MIDI-B's practice decides:
- Clean Descriptors (C) may replace a whole text by another of like meaning. The benchmark wants the harmless words themselves back.
- Patient's Age is kept (K) by Patient Characteristics. The benchmark, as HIPAA, wants ages over 89 gone.
- The standard does not forbid an attribute that the table does not name to go. The benchmark wants device, protocol and body part words back.
- Modified Dates (C) may also remove a date. The benchmark lets a removed date pass, yet asks for a Study Date that is not empty.
- Image Type, Series Number, private elements of Table E.3.10-1 and the pixels outside burned-in text stay as they are.
- A structured report is replaced by a dummy (D), as Clean Structured Content is no part of the practice: nothing of its content is asked back.
A person whom neither the object names nor a title announces is not planted: no rule finds such a name without reading all text as doubtful.
"""
import argparse
import json
from pathlib import Path

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

import midi_headers as headers
import midi_images as images
from midi_key import place
from midi_people import people
from midi_study import Draft, studies, uid

VOLUMES, PROJECTIONS = ("CT", "MR", "PT", "CT", "MR"), ("CR", "DX", "MG", "XA")


class Corpus:
    def __init__(self, folder):
        self.folder, self.instances, self.count = folder, [], 0
        (folder / "in").mkdir(parents=True)

    def instance(self, study, modality, series, fill, syntax=ExplicitVRLittleEndian):
        """One instance; `fill` adds what the modality needs and may decide on the transfer syntax."""
        number, self.count = self.count, self.count + 1
        draft, person = Draft(), study.person
        if person.charset is not None:
            draft.put(SpecificCharacterSet=person.charset)
        sop, series_uid = uid(study.uid, series, number), uid(study.uid, series)
        draft.put(SOPClassUID=images.CLASSES[modality], InstanceNumber=number + 1)
        draft.uids(SOPInstanceUID=sop)
        draft.key.required(place("SOPClassUID"))
        device = images.DEVICES[modality][person.number % len(images.DEVICES[modality])]
        headers.patient(draft, person)
        description = headers.descriptions(draft, study, modality, number)
        headers.study_and_series(draft, study, modality, series_uid, series, description)
        headers.equipment(draft, study, *device[:3])
        headers.anatomy(draft, modality)
        headers.patient_module_extras(draft, study, number)
        headers.comments(draft, study, number)
        images.private(draft, study, device)
        syntax = fill(draft, number) or syntax
        # PS3.15 E.1.1: what the de-identifier says about itself
        for marker in ("(0012,0062)", "(0012,0064) | (0012,0063)", "(0028,0303)"):
            draft.key.marked(marker)
        self.save(draft, person, modality, number, syntax)
        return draft.ds.SOPClassUID, study.uid, series_uid, sop

    def save(self, draft, person, modality, number, syntax):
        meta, path = FileMetaDataset(), f"{modality}{number + 1:04}.dcm"
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = draft.ds.SOPClassUID, draft.ds.SOPInstanceUID
        meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian if syntax == RLELossless else syntax, "2.25.1000"
        file = FileDataset(path, draft.ds, file_meta=meta, preamble=bytes(128))
        if syntax == RLELossless:
            file.compress(RLELossless, generate_instance_uid=False)
        if syntax == ExplicitVRBigEndian and draft.ds.get("BitsAllocated") == 16:
            file.PixelData = swapped(file.PixelData)
        dcmwrite(self.folder / "in" / path, file, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian, enforce_file_format=True)
        self.instances.append({"path": path, "number": number + 1, "person": person.number, "checks": draft.key.checks})


def swapped(data):
    out = bytearray(data)
    out[0::2], out[1::2] = data[1::2], data[0::2]
    return bytes(out)


def participant(corpus, person, slices):
    """A volume; a projection; ultrasound, a screenshot, a report and, of a CT, a structure set."""
    first, second, third = studies(person)
    volume, projection = VOLUMES[person.number % 5], PROJECTIONS[person.number % 4]
    frame = uid(first.uid, "frame")
    syntax = images.SYNTAXES[person.number % len(images.SYNTAXES)]
    made = [corpus.instance(first, volume, 3, lambda draft, number: images.slices(draft, first, volume, number, frame), syntax) for _ in range(slices)]
    for _ in range(2):
        corpus.instance(second, projection, 1, lambda draft, number: images.projection(draft, second, projection, number))
    for _ in range(3):
        corpus.instance(third, "US", 1, lambda draft, number: images.ultrasound(draft, third, number))
    corpus.instance(first, "SC", 99, lambda draft, number: images.screenshot(draft, first, number))
    corpus.instance(first, "SR", 98, lambda draft, number: images.report(draft, first, number, made))
    if volume == "CT":
        corpus.instance(first, "RTSTRUCT", 97, lambda draft, number: images.structures(draft, first, number, made))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--slices", type=int, default=15, help="of each volume")
    args = parser.parse_args()
    corpus = Corpus(args.folder)
    for person in people(args.people):
        participant(corpus, person, args.slices)
    (args.folder / "key.json").write_text(json.dumps({"instances": corpus.instances}, ensure_ascii=False, indent=0))
    checks = sum(len(instance["checks"]) for instance in corpus.instances)
    print(f"{len(corpus.instances)} instances of {args.people} people, {checks} checks")


if __name__ == "__main__":
    main()
