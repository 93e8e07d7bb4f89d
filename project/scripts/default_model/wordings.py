"""Other wordings for labels, so that the model learns to read labels, not to know them."""

import random
from collections.abc import Iterable

# The same meaning in other words. Every line is one meaning.
SYNONYMS = [
    ("person", "people", "human name", "person name"),
    ("organization", "organisation"),
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
]
# Wider terms. A label is only widened together with all of its kind in the sentence.
WIDER = {
    "location": (
        "city town village state region island river lake district province county mountain "
        "street neighborhood neighbourhood sea continent archipelago port valley mountain_range "
        "peninsula municipality landmark building museum stadium airport bridge road park"
    ),
    "person": (
        "politician writer scientist musician singer composer actor actress director poet novelist "
        "philosopher mathematician researcher architect player astronomer chemist physicist king "
        "general judge engineer painter economist official president inventor author athlete "
        "footballer linguist emperor physician editor translator"
    ),
    "organization": (
        "company university band court bank government_agency agency research_institute club "
        "football_club team publisher record_label museum parliament school hospital airline "
        "newspaper insurer retailer manufacturer party political_party observatory"
    ),
    "event": "election war battle festival conference competition treaty tournament exhibition",
}
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
    """Choose wider terms for the labels of one sentence.

    labels (Iterable[str]): The labels in it.
    rng (random.Random): Decides.
    rate (float): The probability that the kinds of one wider term are replaced by it.
    RETURNS (dict[str, str]): Label -> wording.
    """
    chosen = {wide for wide in sorted(WIDER) if rng.random() < rate}
    result = {}
    for label in labels:
        wide = WIDER_OF.get(label)
        result[label] = wide if wide in chosen else label
    return result
