"""The participants of the generated corpus: invented people, in the character sets of PS3.3 C.12.1.1.2, and the forms in which others write
about them. Nobody of these exists; telephone numbers are of ranges kept for fiction, e-mail and web addresses of reserved domains."""
import datetime
import random
from dataclasses import dataclass

# (Specific Character Set, Patient's Name, the forms in which the name is written in free text, the name in the letters of a burned-in text)
NAMES = [
    ("ISO_IR 100", "Müller^Jürgen", ["Jürgen Müller", "MÜLLER, JÜRGEN", "Muller Jurgen"], "MULLER JURGEN"),
    ("ISO_IR 100", "Lefèvre^Éloïse^Marie", ["Éloïse Lefèvre", "Mme LEFEVRE Eloise"], "LEFEVRE ELOISE"),
    (None, "Whitcombe^Harold", ["Harold Whitcombe", "WHITCOMBE HAROLD", "H. Whitcombe"], "WHITCOMBE HAROLD"),
    ("ISO_IR 192", "Nguyễn^Thị Hương", ["Nguyễn Thị Hương", "Nguyen Thi Huong"], "NGUYEN THI HUONG"),
    ("ISO_IR 192", "Иванова^Мария", ["Мария Иванова", "ИВАНОВА"], "IVANOVA MARIA"),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", ["山田太郎", "Yamada Tarou"], "YAMADA TAROU"),
    (None, "O'Connell^Siobhan", ["Siobhan O'Connell", "OCONNELL, Siobhan"], "OCONNELL SIOBHAN"),
    ("ISO_IR 192", "Wang^Xiaoming=王^小明", ["王小明", "Xiaoming Wang"], "WANG XIAOMING"),
    ("ISO_IR 192", "Παπαδόπουλος^Γιώργος", ["Γιώργος Παπαδόπουλος"], "PAPADOPOULOS GIORGOS"),
    ("ISO_IR 101", "Kowalczyk^Żaneta", ["Żaneta Kowalczyk", "KOWALCZYK Zaneta"], "KOWALCZYK ZANETA"),
    (None, "Long^Mei", ["Mei Long", "LONG, MEI"], "LONG MEI"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", ["홍길동", "Hong Gildong"], "HONG GILDONG"),
    ("ISO_IR 100", "Petit-Dumont^Noémie", ["Noémie Petit-Dumont", "PETIT-DUMONT"], "PETIT-DUMONT NOEMIE"),
    ("ISO_IR 144", "Люксембург^Пётр", ["Пётр Люксембург"], "LUXEMBOURG PETR"),
    ("ISO_IR 192", "Çelik^Ayşe", ["Ayşe Çelik", "CELIK AYSE"], "CELIK AYSE"),
    (None, "Featherstone^Beatrice^Ann^Mrs^Jr", ["Beatrice Featherstone", "Mrs Featherstone"], "FEATHERSTONE BEATRICE"),
    ("ISO_IR 126", "Καραγιάννης^Νίκος", ["Νίκος Καραγιάννης"], "KARAGIANNIS NIKOS"),
    ("ISO_IR 100", "Åkerblom^Sören", ["Sören Åkerblom", "Akerblom Soren"], "AKERBLOM SOREN"),
    ("ISO_IR 192", "حداد^ليلى", ["ليلى حداد"], "HADDAD LEILA"),
    (None, "Castellano^Giancarlo", ["Giancarlo Castellano", "CASTELLANO^GIANCARLO"], "CASTELLANO GIANCARLO"),
    ("GB18030", "Chen^Meiling=陈^美玲", ["陈美玲", "Chen Meiling"], "CHEN MEILING"),
    ("ISO_IR 100", "Íñiguez^Begoña", ["Begoña Íñiguez", "INIGUEZ, BEGONA"], "INIGUEZ BEGONA"),
    ("ISO_IR 192", "Žižková^Anežka", ["Anežka Žižková", "Zizkova Anezka"], "ZIZKOVA ANEZKA"),
    (None, "Abernathy^Clyde", ["Clyde Abernathy", "ABERNATHY CLYDE"], "ABERNATHY CLYDE"),
]
HOSPITALS = [("Millbrook General Hospital", "48 Larkspur Avenue, Millbrook"), ("Saint Odilon Clinic", "3 rue des Tilleuls, Vaubourg"),
             ("Harrowgate Infirmary", "210 Quayside Road, Harrowgate")]
STREETS = ["17 Juniper Crescent", "204 Hollowell Lane", "9 Barrowgate Terrace", "63 Penhallow Drive"]
TOWNS = ["Eastmere", "Wexcombe", "Tarnfield", "Oakhaven"]
PHYSICIANS = ["Pemberton^Alistair", "Vasquez^Ramona", "Lindqvist^Ingrid", "Thibodeaux^Gaston"]
OPERATORS = ["Marchetti^Paola", "Kirkbride^Duncan", "Sallow^Winifred"]
# Physicians whom no element of the object names: only the title tells what they are.
STRANGERS = ["Okonkwo", "Brzezinski", "Delacroix"]


@dataclass
class Person:
    number: int
    charset: object
    name: str
    spoken: list
    burned: str
    patient_id: str
    id_forms: list
    national: str
    born: datetime.date
    sex: str
    phone: str
    email: str
    street: str
    town: str
    age: int
    hospital: tuple
    referring: str
    operator: str
    stranger: str


def spoken(name):
    """A name of letters and carets as one says it: given name first."""
    family, given = name.split("^")[:2]
    return f"{given} {family}"


def people(count):
    for number in range(count):
        charset, name, forms, burned = NAMES[number % len(NAMES)]
        rng = random.Random(f"midi/{number}")
        digits = f"{rng.randrange(10**6, 10**7)}"
        ids = [(f"MRN{digits}", [f"MRN{digits}", f"MRN {digits}", digits]), (f"{digits[:2]}-{digits[2:5]}-{digits[5:]}7", [f"{digits}7"]),
               (f"H{digits}", [f"H{digits}"]), (f"{digits}", [digits])][number % 4]
        age = (47, 62, 91, 8, 73, 95)[number % 6]
        national = f"{rng.choice('12')} {rng.randrange(40, 99)} {rng.randrange(1, 13):02} {rng.randrange(10, 95)} {rng.randrange(100, 999)} " \
                   f"{rng.randrange(100, 999)} {rng.randrange(10, 97)}" if number % 2 else f"9{rng.randrange(10, 99)}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"
        yield Person(
            number, charset, name, forms, burned, ids[0], ids[1], national,
            datetime.date(2021 - age, rng.randrange(1, 12), rng.randrange(1, 28)), "FM"[number % 2],
            f"555-01{number:02}" if number % 2 else f"01 99 00 {rng.randrange(10, 99)} {number:02}",
            f"contact{digits}@mail.example", rng.choice(STREETS), rng.choice(TOWNS), age, HOSPITALS[number % 3],
            PHYSICIANS[number % 4], OPERATORS[number % 3], STRANGERS[number % 3])
