"""Free text with identifiers in it. A text is a list of parts: what has to stay, what has to go, and words around it that may do either."""
import datetime
import itertools
from dataclasses import dataclass

from midi_key import words
from midi_people import spoken

MONTHS = "January February March April May June July August September October November December".split()
MOIS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()


@dataclass
class Part:
    text: str
    fate: str  # keep, cut, date or either
    gone: str = ""  # of what is cut, the part that says who it is, where that is not the whole


def keep(text):
    return Part(text, "keep")


def dates(day, number):
    """The day in one of the notations that people use."""
    return [day.strftime("%m/%d/%Y"), day.strftime("%d.%m.%Y"), day.isoformat(), f"{day.day} {MONTHS[day.month - 1]} {day.year}", day.strftime("%Y%m%d"),
            f"{day.day} {MOIS[day.month - 1]} {day.year}", day.strftime("%d/%m/%Y"), f"{MONTHS[day.month - 1]} {day.day}, {day.year}"][number % 8]


def plants(person, study, number):
    """Identifying phrases about a participant, in turns; each is [parts]."""
    def cut(cue, text):
        return [Part(cue, "either"), Part(text, "cut")] if cue else [Part(text, "cut")]

    forms = person.spoken
    age = f"{person.age}-year-old" if number % 2 else f"{person.age} yo"
    return [
        cut("", forms[number % len(forms)]),
        cut("pt", forms[(number + 1) % len(forms)]),
        cut("ID", person.id_forms[number % len(person.id_forms)]),
        cut("acc#", study.accession),
        cut("Tel", person.phone),
        cut("call", person.phone),
        cut("mail", person.email),
        cut("lives at", f"{person.street} {person.town}"),
        cut("from", person.hospital[0]),
        cut("ref Dr", spoken(person.referring)),
        cut("seen by Dr", person.stranger),
        cut("tech", spoken(person.operator)),
        [Part("prior", "either"), Part(dates(study.day - datetime.timedelta(days=200), number), "date")],
        [Part("DOB", "either"), Part(dates(person.born, number), "date")],
        [Part("on", "either"), Part(dates(study.day, number + 3), "date")],
        cut("SSN" if "-" in person.national else "NIR", person.national),
        cut("see", f"https://records.example/p/{person.patient_id}"),
        cut("S/N", study.serial),
        [Part(age, "cut", str(person.age))] if person.age > 89 else cut("", forms[0]),
        cut("admission", study.admission),
    ]


def compose(harmless, planted, limit):
    """The parts in one text of at most `limit` characters, harmless part first or last; None when it does not fit or a word of what stays
    is one of what goes."""
    parts = [keep(harmless), *planted] if len(harmless) % 2 else [*planted, keep(harmless)]
    gone = set(itertools.chain.from_iterable(words(part.gone or part.text) for part in planted if part.fate in ("cut", "date")))
    text = " ".join(part.text for part in parts)
    return None if len(text) > limit or gone & set(words(harmless)) else (text, parts)


def record(key, at, parts):
    """Writes into the key what has to become of the parts."""
    for part in parts:
        if part.fate == "keep":
            key.kept(at, part.text)
        elif part.fate == "cut":
            key.removed(at, part.gone or part.text)
        elif part.fate == "date":
            key.date(at, part.text)
