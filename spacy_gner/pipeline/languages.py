"""Texts in another language than English, told by the words that every text of a language has."""

import re

# Frequent words that are no names or parts of names (van, de, von, los), and not English.
_WORDS = {
    name: frozenset(words.split())
    for name, words in {
        "German": "und der nicht ist eine einen einem einer dem auch wird wurde nach aus sind sich "
        "oder wie durch über für mit auf im bei zum zur vom wir ich sie wenn kann als haben noch",
        "French": "et une dans qui avec sont cette ont été nous vous mais sur que est aux au par "
        "plus pas ce je il elle leur ses comme où être était",
        "Spanish": "una por como está fue más pero sus este esta que es con para se lo muy hay "
        "todo ya entre hasta desde donde",
        "Italian": "che una con sono della nel alla anche più gli questo nella delle dei ha per il "
        "si come ma dal lo",
        "Portuguese": "não uma para com são foi mais ao pela também que em os um por mas seu sua",
        "Dutch": "het een niet met voor zijn aan ook werd naar wordt dat bij uit deze maar te ik "
        "hij heeft nog om",
        "Swedish": "och att det som är inte en på för med av har till den ett om men jag",
        "Danish": "og det som er ikke til på af en har den blev med et vi jeg fra men",
        "Polish": "nie się jest na że przez od które oraz został był dla ale co",
        "Czech": "se že je na která byl jako pro jsou aby ale",
        "Romanian": "și este în care din pentru nu cu sunt mai această",
        "Hungarian": "és hogy nem egy az volt ez meg csak van mint",
        "Finnish": "ja on että ei oli mutta ovat hän se joka myös kun niin tai",
        "Turkish": "bir ve bu için ile olarak çok daha gibi ama",
        "Indonesian": "yang dan di untuk dengan dari ini itu pada tidak akan",
    }.items()
}
_ENGLISH = frozenset(
    "the of and to in is was for that with on by at from are it as be this have has not or an he "
    "she his her they you we i".split()
)
_WORD = re.compile(r"[^\W\d_]{2,}")
# So many different ones are no quotation and no title, and more than twice as many as English ones.
_ENOUGH, _TIMES = 3, 2


def foreign_words(text: str) -> list[str]:
    """Find the frequent words of another language that a text is written in.

    text (str): A text in Latin script. A heading or a list of names may have none of these words.
    RETURNS (list[str]): Words of one language, sorted; empty for English and for what cannot be
        told.
    """
    words = set(_WORD.findall(text.lower()))
    found = max((words & frequent for frequent in _WORDS.values()), key=len)
    is_foreign = len(found) >= _ENOUGH and len(found) > _TIMES * len(words & _ENGLISH)
    return sorted(found) if is_foreign else []
