"""Other wordings for labels, so that the model learns to read labels, not to know them."""

import random
from collections.abc import Iterable

# The same meaning in other words. Every line is one meaning.
SYNONYMS = [
    ("person", "people", "human name", "person name"),
    ("organization", "organization"),
    ("location", "place"),
    ("company", "business", "firm"),
    ("city", "town or city"),
    ("musician", "musical artist", "music artist"),
    ("singer", "vocalist", "musical artist"),
    ("composer", "musical composer", "musical artist"),
    ("band", "music group", "musical group"),
    ("music genre", "genre of music", "musical style"),
    ("instrument", "musical instrument"),
    ("film", "movie", "film title"),
    ("film director", "director", "movie director"),
    ("book", "book title"),
    ("novel", "book"),
    ("writer", "author"),
    ("novelist", "writer", "author"),
    ("poet", "writer"),
    ("playwright", "writer", "dramatist"),
    ("literary genre", "genre of literature"),
    ("academic journal", "scientific journal", "journal"),
    ("scientist", "scholar"),
    ("physicist", "scientist"),
    ("chemist", "scientist"),
    ("biologist", "scientist"),
    ("astronomer", "scientist"),
    ("mathematician", "scientist", "researcher"),
    ("computer scientist", "researcher", "scientist"),
    ("computer scientist", "researcher"),
    ("planet", "astronomical object", "celestial body"),
    ("moon", "astronomical object"),
    ("star", "astronomical object"),
    ("galaxy", "astronomical object"),
    ("discipline", "field of study", "academic discipline"),
    ("field of study", "field", "discipline"),
    ("metric", "evaluation metric", "measure"),
    ("university", "college or university"),
    ("party", "political party"),
    ("politician", "political figure"),
    ("award", "prize"),
    ("disease", "illness", "medical condition"),
    ("drug", "medication", "medicine"),
    ("chemical", "chemical substance"),
    ("dish", "food item", "menu item"),
    ("restaurant", "restaurant name", "name of the restaurant"),
    ("amenity", "facility", "feature of the place"),
    ("genre", "category", "kind"),
    ("song", "song title", "track"),
    ("album", "album title", "record"),
    ("role", "character", "character name"),
    ("plot element", "plot"),
    ("actress", "actor", "performer"),
    ("price", "cost", "price range"),
    ("opening hours", "hours", "business hours"),
    ("neighborhood", "location", "area"),
    ("phone number", "telephone number"),
    ("magazine", "periodical"),
    ("conference", "academic conference"),
    ("software", "computer program"),
    # One step up: the wider profession, not yet "person".
    ("guitarist", "musician", "musical artist"),
    ("pianist", "musician", "musical artist"),
    ("violinist", "musician", "musical artist"),
    ("cellist", "musician", "musical artist"),
    ("bassist", "musician", "musical artist"),
    ("rapper", "musician", "musical artist"),
    ("songwriter", "musician", "musical artist"),
    ("conductor", "musician", "musical artist"),
    ("president", "politician"),
    ("prime minister", "politician"),
    ("minister", "politician"),
    ("governor", "politician"),
    ("statesman", "politician"),
    ("lawmaker", "politician"),
    ("mayor", "politician"),
    ("chancellor", "politician"),
    ("biographer", "writer", "author"),
    ("screenwriter", "writer"),
    ("lyricist", "writer"),
    ("philosopher", "writer"),
    ("geologist", "scientist"),
    ("naturalist", "scientist"),
    ("botanist", "scientist"),
    ("archaeologist", "scientist", "scholar"),
    ("neuroscientist", "scientist", "researcher"),
    ("statistician", "researcher", "scientist"),
    ("astrophysicist", "scientist"),
    ("linguist", "researcher", "scholar"),
    ("historian", "scholar", "writer"),
]
# Wider terms.
WIDER = {
    "location": (
        "city town village state region island river lake district province county mountain "
        "street neighborhood neighborhood sea continent archipelago port valley mountain_range "
        "peninsula municipality landmark building museum stadium airport bridge road park"
    ),
    "person": (
        "politician writer scientist musician singer composer actor actress director poet novelist "
        "philosopher mathematician researcher architect player astronomer chemist physicist king "
        "general judge engineer painter economist official president inventor author athlete "
        "footballer linguist emperor physician editor translator businessman playwright executive "
        "computer_scientist film_director psychologist biologist explorer historian conductor "
        "designer naturalist pianist tennis_player archaeologist programmer filmmaker "
        "prime_minister activist governor statesman basketball_player musical_artist photographer "
        "journalist lawyer guitarist violinist cinematographer dancer chess_player cellist "
        "lawmaker cricketer geologist sculptor lyricist cartoonist monarch pope saint queen "
        "neuroscientist illustrator songwriter choreographer minister statistician theologian "
        "botanist rapper comedian mayor chancellor biographer screenwriter astrophysicist bassist "
        "diplomat nobleman"
    ),
    "organization": (
        "company university band court bank government_agency agency research_institute club "
        "football_club team publisher record_label museum parliament school hospital airline "
        "newspaper insurer retailer manufacturer party political_party observatory"
    ),
    "event": "election war battle festival conference competition treaty tournament exhibition",
}
# Kinds that others may mean as well: one is not widened where another of its line stays.
_KIN = [
    "author biographer editor historian journalist linguist lyricist novelist philosopher "
    "playwright poet screenwriter translator writer",
    "actor actress bassist cellist composer conductor guitarist musical_artist musician "
    "pianist rapper singer songwriter violinist",
    "cinematographer director film_director filmmaker",
    "archaeologist astronomer astrophysicist biologist botanist chemist "
    "computer_scientist economist engineer geologist historian inventor linguist "
    "mathematician naturalist neuroscientist philosopher physicist programmer "
    "psychologist researcher scientist statistician",
    "activist chancellor diplomat emperor executive general governor judge king lawmaker "
    "mayor minister monarch nobleman official politician president prime_minister queen "
    "statesman",
    "athlete basketball_player chess_player footballer player tennis_player",
    "architect cartoonist designer illustrator painter photographer sculptor",
    "airline bank company newspaper publisher record_label retailer",
    "company insurer manufacturer retailer",
    "museum observatory research_institute school university",
    "agency court government_agency hospital parliament",
    "club football_club team",
    "party political_party",
    "city municipality town village",
    "county district province region state",
    "district neighborhood neighborhood road street",
    "mountain mountain_range valley",
    "archipelago island peninsula",
    "lake river sea",
    "airport bridge building landmark museum park stadium",
    "battle war",
    "competition conference exhibition festival tournament",
]
KIN = [{kind.replace("_", " ") for kind in line.split()} for line in _KIN]
WIDER_OF = {
    narrow.replace("_", " "): wide for wide, kinds in WIDER.items() for narrow in kinds.split()
}


def reword(labels: Iterable[str], rng: random.Random, rate: float) -> dict[str, str]:
    """Choose wordings for the labels of one sentence.

    labels (Iterable[str]): The labels in it.
    rng (random.Random): Decides.
    rate (float): The share of the labels with a synonym that get it.
    RETURNS (dict[str, str]): Label -> wording. Two labels may get the same wording.
    """
    result = {label: label for label in labels}
    for label in result:
        lines = [line for line in SYNONYMS if line[0] == label]
        if lines and rng.random() < rate:
            result[label] = rng.choice(rng.choice(lines)[1:])
    return result


def widen(labels: Iterable[str], rng: random.Random, rate: float) -> dict[str, str]:
    """Choose wider terms for the labels of one sentence. In half of the cases one of the
    kinds keeps its name, so that the wide and the narrow label stand side by side.

    labels (Iterable[str]): The labels in it.
    rng (random.Random): Decides.
    rate (float): The probability that the kinds of one wider term are replaced by it.
    RETURNS (dict[str, str]): Label -> wording.
    """
    result = {label: label for label in labels}
    for wide in sorted(WIDER):
        kinds = [label for label in result if WIDER_OF.get(label) == wide]
        if not kinds or rng.random() >= rate:
            continue
        kept: set[str] = set()
        if rng.random() < 0.5:
            kept = with_kin(rng.choice(kinds), kinds)
        result.update({kind: wide for kind in kinds if kind not in kept})
    return result


def with_kin(kind: str, kinds: Iterable[str]) -> set[str]:
    """Find what has to keep its name with a kind: its kin, the kin of these, and so on.

    kind (str): One of the kinds.
    kinds (Iterable[str]): Those of a sentence.
    RETURNS (set[str]): The kind itself among them.
    """
    related = {kind}
    while True:
        lines = [line for line in KIN if line & related]
        found = related.union(*(line.intersection(kinds) for line in lines))
        if found == related:
            return related
        related = found


def beside(names: dict[str, str], rng: random.Random, rate: float) -> list[str]:
    """Choose wider terms that are asked for beside the narrow ones and name nothing: an
    entity gets the most precise of the labels that it fits.

    names (dict[str, str]): The labels of the sentence and their wordings.
    rng (random.Random): Decides.
    rate (float): The probability for each wider term.
    RETURNS (list[str]): The wider terms.
    """
    wides = {WIDER_OF[label] for label in names if label in WIDER_OF} - set(names.values())
    return [wide for wide in sorted(wides) if rng.random() < rate]


def aside(names: dict[str, str], rng: random.Random, rate: float) -> list[str]:
    """Choose narrow kinds that are asked for beside a wider term and name nothing: what is
    none of them keeps the wider term.

    names (dict[str, str]): The labels of the sentence and their wordings.
    rng (random.Random): Decides.
    rate (float): The probability that a wider term gets up to three kinds beside it.
    RETURNS (list[str]): The kinds, none of them kin to a label of the sentence.
    """
    meant = {*names, *names.values()}
    result: list[str] = []
    for wide in sorted(set(WIDER) & {names[label] for label in names if label in WIDER_OF}):
        if rng.random() >= rate:
            continue
        kin = meant.union(*(line for line in KIN if line & meant))
        free = sorted(kind for kind in WIDER_OF if WIDER_OF[kind] == wide and kind not in kin)
        result += rng.sample(free, min(len(free), rng.randint(1, 3)))
    return result
