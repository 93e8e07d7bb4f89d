from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.pages.marks import MarkedSpan, mark_events


def _written(text, spans):
    """The text with brackets for marks; } where a mark is only cut in two."""
    pieces = []
    for event in mark_events(text, spans):
        if event.opens is not None:
            pieces.append("[")
        elif event.closes is not None:
            pieces.append(f"]{event.closes.label}" if event.is_end else "}")
        else:
            pieces.append(event.text)
    return "".join(pieces)


def test_entities_side_by_side():
    assert _written("ab cd", [MarkedSpan(3, 5, "B"), MarkedSpan(0, 2, "A")]) == "[ab]A [cd]B"


def test_entities_within_one_another():
    spans = [MarkedSpan(8, 13, "place"), MarkedSpan(0, 13, "bank")]
    assert _written("Bank of China", spans) == "[Bank of [China]place]bank"


def test_an_entity_that_crosses_another_is_cut_and_named_once():
    spans = [MarkedSpan(0, 4, "A"), MarkedSpan(2, 6, "B")]
    assert _written("abcdef", spans) == "[ab[cd}]A[ef]B"


def test_equal_and_empty_and_outside():
    spans = [MarkedSpan(0, 2, "A"), MarkedSpan(0, 2, "B"), MarkedSpan(1, 1, "C")]
    spans += [MarkedSpan(3, 99, "D"), MarkedSpan(9, 12, "E")]
    assert _written("ab cd", spans) == "[[ab]B]A [cd]D"


@settings(max_examples=200)
@given(
    st.text("ab\n", max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6),
)
def test_marks_nest_and_keep_the_text(text, bounds):
    spans = [MarkedSpan(start, end, str(i)) for i, (start, end) in enumerate(bounds)]
    events = mark_events(text, spans)
    assert "".join(event.text for event in events) == text
    opened, covered, position = [], {}, 0
    for event in events:
        if event.opens is not None:
            opened.append(event.opens)
        elif event.closes is not None:
            assert opened.pop() is event.closes
        else:
            for span in opened:
                places = range(position, position + len(event.text))
                covered.setdefault(span.label, set()).update(places)
            position += len(event.text)
    assert not opened
    for span in spans:
        expected = set(range(span.start, min(span.end, len(text))))
        assert covered.get(span.label, set()) == expected
        n_ends = sum(event.closes == span and event.is_end for event in events)
        assert n_ends == bool(expected)


def test_many_entities_are_marked_in_linear_steps():
    n_events = [
        len(mark_events("ab" * n, [MarkedSpan(2 * i, 2 * i + 1, "x") for i in range(n)]))
        for n in (1000, 2000)
    ]
    assert n_events[1] == 2 * n_events[0]


def test_title_says_label_score_and_note():
    assert MarkedSpan(0, 1, "city", 0.9712, note="wrong").title == "city, score 0.97, wrong"
    assert MarkedSpan(0, 1, "city").title == "city"
