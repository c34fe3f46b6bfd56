"""Studies of the participants, and an instance while it is written: its data set and its key side by side."""
import datetime
import random
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from midi_key import Key, place


def uid(*names):
    """A UID of the sending site: the same arguments give the same one."""
    return generate_uid(prefix="1.2.826.0.1.3680043.10.999.", entropy_srcs=["midi", *map(str, names)])


@dataclass
class Study:
    person: object
    number: int
    day: datetime.date
    time: str
    uid: str
    accession: str
    study_id: str
    admission: str
    serial: str
    station: str


def studies(person):
    """Three studies of a participant, months apart."""
    rng = random.Random(f"midi/study/{person.number}")
    first = datetime.date(2021, 1, 4) + datetime.timedelta(days=rng.randrange(250))
    for number in range(3):
        yield Study(person, number, first + datetime.timedelta(days=(0, 97, 271)[number]), f"{rng.randrange(8, 18):02}{rng.randrange(60):02}{rng.randrange(60):02}",
                    uid(person.number, number), f"{rng.choice('AEX')}{rng.randrange(10**7, 10**8)}", f"{rng.randrange(10000, 99999)}",
                    f"ADM-{rng.randrange(10**5, 10**6)}", f"{rng.randrange(10**5, 10**6)}K{number}", f"ROOM{rng.randrange(2, 60)}MILL")


class Draft:
    """An item of the instance: what is put into it is written into the key too."""

    def __init__(self, key=None, path="", data_set=None):
        self.key, self.path, self.ds = key or Key(), path, data_set if data_set is not None else Dataset()

    def put(self, **values):
        for keyword, value in values.items():
            setattr(self.ds, keyword, value)

    def at(self, keyword):
        return self.path + place(keyword)

    def required(self, **values):
        """Elements of Type 1."""
        self.put(**values)
        for keyword in values:
            self.key.required(self.at(keyword))

    def kept(self, **values):
        self.put(**values)
        for keyword, value in values.items():
            self.key.kept(self.at(keyword), "\\".join(map(str, value)) if isinstance(value, list) else str(value))

    def gone(self, **values):
        """Identifiers that the table takes away; an age over 89 goes though the table keeps ages."""
        self.put(**values)
        for keyword, value in values.items():
            if not self.path and self.key.action(self.at(keyword)) in ("", "K") and keyword != "PatientAge":
                raise ValueError(f"the table leaves {keyword}")
            self.key.removed(self.at(keyword), str(value))

    def dates(self, **values):
        self.put(**values)
        for keyword, value in values.items():
            self.key.date(self.at(keyword), value[:8])

    def uids(self, linked=True, **values):
        self.put(**values)
        for keyword, value in values.items():
            self.key.uid(self.at(keyword), value, linked)

    def item(self, keyword):
        """A new item of a sequence."""
        items = list(self.ds.get(keyword) or [])
        items.append(Dataset())
        setattr(self.ds, keyword, items)
        return Draft(self.key, f"{self.path}{place(keyword)}[{len(items) - 1}]/", getattr(self.ds, keyword)[-1])


def code(draft, keyword, value, scheme, meaning):
    """A coded concept: it stays."""
    item = draft.item(keyword)
    item.put(CodeValue=value, CodingSchemeDesignator=scheme)
    if Key.TABLE.get(place(keyword), "") in ("", "K"):
        item.kept(CodeMeaning=meaning)
    else:
        item.put(CodeMeaning=meaning)
    return item
