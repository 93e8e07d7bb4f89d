import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "project" / "benchmarks"))

from label_order import draw_orders, f1, flip_rate, summary, vote

from spacy_gner.evaluation.records import Mention

A, B, C = Mention(0, 1, "a"), Mention(0, 1, "b"), Mention(3, 5, "c")


def test_entities_that_some_order_misses_flip() -> None:
    assert flip_rate([{A, C}, {B, C}, {A, C}]) == (2, 3)
    assert flip_rate([{A}, {A}]) == (0, 1)
    assert flip_rate([set(), set()]) == (0, 0)


def test_vote_is_what_most_orders_agree_on() -> None:
    assert vote([{A, C}, {B, C}, {A}]) == {A, C}
    assert vote([{A}, {B}]) == set()


def test_summary_compares_orders_with_their_vote() -> None:
    line = summary("x", [({A, C}, [{A, C}, {B, C}, {A}])])
    assert line == (
        "x: 1 sentences, 3 of 3 entities change (100.0%); "
        "F1 by order 100.0 50.0 66.7, by vote 100.0"
    )
    assert f1([(set(), set())]) == 100.0


def test_first_order_is_that_of_the_data_and_all_have_all_labels() -> None:
    orders = draw_orders(["a", "b", "c"], 3, random.Random(0))
    assert orders[0] == ["a", "b", "c"] and len(orders) == 3
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
