#!/usr/bin/env python3
"""Write vocabulary_dicom.txt, and sort the two lists that are kept by hand: words that a descriptor may keep (PS3.15 E.3.5).

  apt-get install wamerican-small wbritish-small
  pip install pydicom==3.0.2
  python3 data/vocabulary.py

Sources: the attribute names of PS3.6 and the meanings of the concepts of PS3.16, as PyPI pydicom 3.0.2 (MIT) has them. Facts only: single
words. vocabulary_general.txt: lower-case words of SCOWL, size small, as Debian packages them. vocabulary_english.txt and vocabulary_french.txt are kept by hand: add words in any order and spelling, then run this.

A word is folded as src/text_clean/fold.rs folds it. Left out, in all three lists:
- words of one letter, and words of two letters that are not in a list kept by hand (Li, Wu, Do, Le ... are people);
- of the concepts: breeds of animals, drugs and chemicals by code, and words that are written with a capital only (eponyms, places, makers),
  unless they are attribute names as well or begin a meaning of the few schemes that capitalise everything;
- NAMES: given names, surnames and towns that have little value in a descriptor, eponyms above all (a "Wilson" is a patient more often than
  a disease). What stays although people bear it (long, petit, chest) is cut where the patient bears it: the identity wins.
- months and days of the week: they are parts of dates.
"""
import collections
import os
import re
import unicodedata

from pydicom.datadict import DicomDictionary
from pydicom.sr._concepts_dict import concepts

HERE = os.path.dirname(os.path.abspath(__file__))
BY_HAND = ("english", "french")
WORD = re.compile(r"[^\W\d_]+")
PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ς": "σ"})
NOT_IMAGING = ("UCUM", "PUBCHEM_CID", "RXNORM", "NDC", "ITIS_TSN")
# Schemes whose meanings are written in title case: a capital says nothing there.
TITLE_CASE = ("DCM", "LN", "MDC", "IBSI", "RADLEX", "NCIt", "UMLS", "FMA")
ANIMALS = re.compile(r"breed|horse|cattle|sheep|goat|swine|species|organism", re.I)

MONTHS_AND_DAYS = """
january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre janv fev fevr avr juil
monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun lundi mardi mercredi jeudi vendredi samedi dimanche
"""

NAMES = """
aspen bloom borg daya doubilet ela elb ell kutta likar lown mayden nimrod pan pon rempen zobel
aaron abel abraham abby ada adam adele adolf adrian agatha agatston agnes aisha akbar akerlund alain alan alaska alax albers albert alberto albright alex alexander
alexandra alexis alfred ali alice alicia aline alison allan allen allis alma almeida alvarez amanda amber amelie amir ana anders anderson andrea andrews andre
andrews angel angela angelo anglo angora angus anita ann anna anne annie anthony antoine anton antonio apgar aquitaine arbuckle arcelin archie ari
ariel armand armstrong arnaud arnold arthur asher ashley ashman astrid audrey auguste augustin aurelie aurora austin australian axel ayrshire azawakh baer bailey baker baltaxe
bankart banks barbara bardin barker barnard barnes barnett barr barre barrett barry bart bartholin basedow basset bates baum baxter bayes bazett beath beaver
beck becker beckmann beclere becq becquerel beer bell bella belle bellini bender benedict benjamin bennett benoit berg berger bergman bering berlin bernard bernese bernhard
bernoulli bernthsen bert bertel bertha bertrand bessel beth betty bianca bill billings blackett blair blake blalock blanche blumberg bo boak bob bode boehler bohler bohr
bond bonnet boothby boris bos bouin bowen bowie bowman boyd brad bradford bradley brand brenda brenner brent brewer brewerton brian brigitte brittany broca broden brodie brooks
broselow bruce brun bruno brutus bryan bucky burgess burke burman burns burton bush butler butterworth byrd cahoon caldwell calvin cameron camille camp campbell canadian
canis capra carey carl carla carlo carlos carlson carmen carmody carnoy carol carolina caroline carpenter carr carrie carroll carter casey castro catherine cathy causton celine chad
chamberlain chan chandler chang chapman charles charlie charlotte charmed chassard chausse chebyshev chen cheng cheshire chester chi chitkara chitty cho choi chong chopart chris christian
christina christine christophe chung cindy claire clara clark clarke claude claudia clay clayton clement clements clifford clint clumber clyde cobb cockett cockcroft cockroft cody
cohen colcher cole colette colin colles collins columbia congo connor constance cook cooley cooper cora corey corinne corti costa courtney couinaud coventry cowper cox craig crawford
cruz cuillin cummings cunningham curie curt curtis cushing cynthia cyril dahl daisy dale dallas damian damus dan dana dane daniel daniela danielius danielle danelius danish danny darwin dave david
davidson davies davis dawn dean deborah debra del delta denis denise dennis denver derek descemet devon diana diane diaz diego dirk dixie dodd dodge dominic dominique don donald donna
donovan dora doris dorothy douglas dower doyle drake drew duane dubois duchenne duhamel duke dumas duncan dunlap dunn dupont dupuytren dustin dutch duval dwight dyke earl easi easter ebstein eddie edgar edith
edmond edmund eduardo edward edwards edwin ehlers eileen einstein eisenmenger elaine eleanor elena eli elisabeth elise elizabeth ella ellen ellestad ellie elliott ellis ella elsa emil emile emilie emily emma eric erica
erik erika eriksen erin erl ernest ernst erwin escherichia essex estelle esther ethan eugene euler eustachian eva evan evans eve evelyn ewing fabian fabrice fallopian fallot fatima favre felix
ferdinand ferguson fernandez fernando ferrari ferreira fischer fisher fisk fitzgerald fitzpatrick fleischer fleischner fleisch fleming fletcher flora florence florian florida floyd foley fontan ford forest forester foster
fourier fowler fox fra framingham frances francis francisco francois francoise frank franklin frankenstein franz fraser fred freda fredericia frederick fredericks fredericks freeman french frey
freya frida fridericia friedman friedrich friend fritz fuchs fuller gabriel gabrielle gail galen gamble ganong ganz garcia gardner garrett garry garth gary gatei gaucher gault gaussian gauthier gavin gaynor geary
geiger gene genevieve geoffrey george georges georgia gerald gerard gerhard gerlach germain german germany gertrude giacomini gibbs gibson gieson gil gilbert gilles gina giovanni gleason glenn gloria goldberg goldstein golgi gomez
gonzales gonzalez goodman gordon gorlin grace graham grandy grant graves greenwich greg gregory gretchen griffin grunwald guernsey guillaume gunther gus gustav guy haas hadlock hahn haigis haley hall haller
ham hamburg hamilton hampshire hank hanna hannah hannover hans hansen hansmann hanson hardy harper harris harrison harry hart harvey hashimoto hassan hawaiian hawkins hayes hazel heather hector heidi
heidenhain heinrich heinz helen helena helene hellman helly henderson henri henriette henry henschen herbert hereford herman hermann hernandez herring hesse hetzel hickey hilary hilda hill hillary hirsch
hirschsprung hirtz hispanic ho hodges hoffer hoffman hofmann hohler holladay holland holly holmblad holmes holstein homer honey hong hood hope hopkins horner horton hough hounsfield houston howard hoyt
hsieh huang hubert hudson huggins hughes hughston hugo hull humphrey hunt hunter hunterian huntington ian iceland ida ignace igor ilse imad india indian ingrid inger ira irene iris irish irma irvin irwin isaac isabel isabelle
isaiah ischerwood isherwood islay israel ivan ivory ivy jack jackie jackson jacob jacobs jacqueline jacques jade jake jamal james jamie jan jana jane janet janice janma janmahasatian janus japan jared jasmine jason jason jasper
jay jean jeanne jeanty jeff jefferson jenkins jenna jenner jennifer jenny jensen jeremy jerome jerry jersey jesse jessica jill jim jimmy jo joan joanna joe joel johan johann johannes john johns johnson johnston jon
jonas jonathan jones jordan jorge jose joseph josephine josh joshua joslin joy joyce juan judd judet judith judkins judy jules julia julian julie julien juliette julius june jurgen justin kai kandel karen karin karl karla
kasabach kate katherine kathleen kathryn kathy katie katz kaye keith kelly kelvin kemp ken kennedy kenneth kent kerley kerry kevin khan killian kim kimberly king kirk kirschner klaus klein knight knott koch kohler konrad korean kovacs krukenberg
kuchendorf kuhn kulkarni kumar kurt kurtz kurzbauer lac lachman ladd lagrange lagrangian lambert lance landau lang langerhans laquerriere larry larson lars laser lauenstein laura laurence laurent lauren laurie lawrence lawson
leah lee lefebvre lefevre legendre legg leigh leishman lena lenny leo leon leonard leroy leslie lessoway lester levenberg levi levin levine levy lewis lewy li lichtenstein liam lilienfeld lily lin lina lincoln linda lindblom lindsay lionel lisa
lisfranc littre liverpool liz lloyd logan lois lola london lopez lorenz lorenzo lori louis louisa louise lowenstein luc lucas lucia lucie lucy ludwig luis luke lund lutz luther lydia lyme lynch lynn lyon lyons lysholm mac mack mackay madeleine madison maggie
maine maisonneuve malcolm mallory malpighi mancha mandy manfred manuel manx marc marcel marche marco marcos marcus marfan margaret margaux maria mariane marianne marie marilyn marina mario marion marjorie mark markov marquardt marseille
marsh marshall martha marthe martin martinez martini marvin mary mason mateo mathieu mathilde matt matthew maurice maxime maxwell mayer maynard mayo mcfee mcburney mcdonald meckel megan meier meissner mel melanie melissa mendel menetrier
mercer merchant mercier meredith merkel merritt mertz merz meyer meyers mia michael michaela michel michele michelle michigan miguel mike mikulicz mildred miles milk miller millicent milo minor mira miranda mitch mitchell mobitz mohamed mohammed mohs
moll mona mondor monica monique monroe montana monte monteggia montgomery moore morales moran moreau moreno morgan morris morrison morton moses mueller muller munich murphy murray myriam nadia nadine nakayama nancy naomi nascet nash natalie natasha
nathan nathaniel naughton neal ned neelsen neer neil nelly nelson neville newcastle newton nguyen nicholas nicholson nick nicole nicolas nicole nicoll niels nigel nikolaus nils nina nisa noah noel nolan nolke nomarski nora norbert noreen norfolk norgaard norma norman norris norwegian norwood nottingham nyberg
oddi odette oliver olivia olivier olsen olson omar orleans ortega oryctolagus osborne oscar osaka oslo osler osgood oskar otto ottonello owen oxford pablo paco page paget paloma pam pamela pancoast parker parkin parungao pascal pat patel paterson patricia patrick
paul paula pauline paulo pavlov pawlow payne pearl pearson pedro peggy pembroke penelope penner perez perkins perry perthes pete peter peters peterson petersen peyer peyronie phil philip philippa philippe phillips phoenix phyllis pierce
pierquin pierre pinto pirie pittsburgh poiseuille polish polly pompe portuguese potter pott powell preiser preston price prinzmetal prussian purkinje quentin quincke rachel rafer rafert ralph ramirez ramon ramos ramsey randall randolph raphael rastelli rathke rattus ravel raymond raynaud raynauld
rebecca reed regina regnier reid reinhold reiter rembrandt remington remy renata rene renee reynolds rhea rhese rheinberg rhonda rice ricardo rich richard richards richardson richter rick ricky riemann rita river rivera robert roberta roberto roberts robertson robin robinson roger rogers roland rolando rolf rolland roma roman
romano romanowsky rombo romeo romero romhilt ron ronald ronnie rosa rosario rose roseline rosen rosenberg rosenthal ross rousseau roux rowe roy ruben ruby rudolf rudolph ruiz runge rupert ruskin russ russell russian ruth rutherford ryan ryle saanen sabbagha sabine sabrina sally salmon salter sam samantha samarkand sammy
samson samuel samuels sanchez sanders sandra sandrine sandy sano santiago santos santorini sara sarah sarcosine sasha saul saunders savannah savoie saxon scarpa schatzki scheimpflug scheuermann schiff schirmer schlemm schmidt schmitt schmorl schneider schonberg schubert schultz schulz schuller schuster
schwann schwartz schwarz scotia scots scott scottish sean sebastian segond senarmont senning serge sergio settegast sever sevin seymour shane shannon sharon shaw sheehan sheila shelby shelly shelter shepard shepherd sheppard sheridan sherman sherry shetland shinozuka shirley sidney siegel
sienna silas silva silvia simeon simon simone simpson sims singer singh sjogren skip smith smyth snyder sofia solange sophia sophie sousa spain spaniel spencer spengler sprengel springer staffordshire stanford stanley stansel stanton starling stan stark starr staunig stecher stefan stefanie stein stella stensen
stenver stenvers stephan stephanie stephen stephens steve steven stevens stevenson stewart stokes stryker stuart sudan sudeck suffolk sullivan summers sumner susan susanne sussex sussman sutherland sutton suzanne sven swan swann swanson swedish swiss sydney sylvain sylvester sylvia sylvie sylvius takayasu tamara tammy tanner tanya tara tarrant taussig tay
taylor ted teichholz teresa terrance terry tesla teufel texas thebesius theiler thelma theo theodor theodore theresa therese thibault thierry thomas thompson thomson tiffany tim timothy tina titterington tobias toby todaro todd toff tofts toggenburg tokyo tom tommy toni tony torres towne tracey tracy travis trendelenburg trent treves trevor tricia
tristan troy truman tucker turk turkish turner tyler tyson ulrich urban ursula valdini valentin valentina valentine valerie valsalva vanessa vater vaughn vera vernon veronica veronique vic vicki vicky victor victoria vienna vincent viola violet virchow virgil virginia virginie vivian vladimir voigt volkmann vogel vogt waardenburg wade wagner waldemar waldeyer walker wallace
wallis walt walter walters wanda ward warren warwick washington watson wayne weber webster wegener weiss welch wells welsh wendy wenckebach werner wernicke wesley westphal wharton wheeler whipple whitaker whitman wigby wilbert wilder wilhelm will willebrand willem william williams willie willis wilma wilms wilson winifred winston wirsung wolf wolfe wolff wolfgang
wood woods worcester wright wyatt wynne xavier yann yannick yarkoni yolanda york yorkshire yvan yvette yvonne zachary zanelli zenker ziehl zinn zoe zollinger
"""

# Kept although people bear them: words of kernels, makers and units that lists kept by hand have.
# Words of imaging and of hospitals that are names too, and a day that is a saturation pulse.
EXCEPT = set("sat ward delta edge force gray laser marche minor prisma ray swan vision".split())


# What announces an address goes with it.
ANNOUNCING = {"mail", "email", "courriel"}


def fold(word):
    """As src/text_clean/fold.rs: compatibility forms, no accents, lower case, plain letters for those that do not decompose."""
    marks = (c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return "".join(marks).lower().translate(PLAIN)


def words(text):
    return [(match.start(), match.group()) for match in WORD.finditer(text)]


def of_attributes():
    return {fold(word) for entry in DicomDictionary.values() for _, word in words(entry[2])}


def of_concepts():
    """Words written in lower case somewhere, or in a meaning of a scheme in title case."""
    seen = collections.Counter()
    for scheme, codes in concepts.items():
        if scheme in NOT_IMAGING:
            continue
        for meanings in codes.values():
            for meaning, _ in meanings.values():
                if ANIMALS.search(meaning):
                    continue
                for _, word in words(meaning):
                    if word[0].islower() or (scheme in TITLE_CASE and not word.isupper()):
                        seen[fold(word)] += 1
    return set(seen)


def of_general_english():
    """Words of three letters and more that are never written with a capital only."""
    found = set()
    for dictionary in ("american", "british"):
        with open(f"/usr/share/dict/{dictionary}-english-small", encoding="utf-8") as file:
            found |= {word for word in file.read().split() if re.fullmatch("[a-z]{3,}", word)}
    return found


def path(name):
    return os.path.join(HERE, f"vocabulary_{name}.txt")


def write(name, found):
    with open(path(name), "w", encoding="utf-8") as file:
        file.writelines(word + "\n" for word in sorted(found))
    print(name, len(found))


def main():
    names = {fold(word) for word in (NAMES + MONTHS_AND_DAYS).split()} - EXCEPT | ANNOUNCING
    held = set()
    for name in BY_HAND:
        with open(path(name), encoding="utf-8") as file:
            found = {fold(word) for _, word in words(file.read())}
        found = {word for word in found if len(word) >= 2} - names - held
        write(name, found)
        held |= found
    known = {word for word in of_attributes() | of_concepts() if len(word) >= 3} - names - held
    write("dicom", known)
    write("general", of_general_english() - names - held - known)


main()
