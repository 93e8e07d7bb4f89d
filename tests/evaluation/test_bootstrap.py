import numpy

from spacy_gner.evaluation.comparison import paired_bootstrap


def _counts(hits, misses, n=200):
    return numpy.tile([hits, 0, misses], (n, 1))


def test_paired_bootstrap_of_a_system_with_itself_finds_nothing():
    generator = numpy.random.default_rng(1)
    counts = {"x": generator.integers(0, 4, (50, 3))}
    result = paired_bootstrap(counts, counts)["sets"]["x"]
    assert result["difference"] == result["low"] == result["high"] == 0.0
    assert result["p"] == 1.0


def test_paired_bootstrap_finds_a_clear_difference_and_its_sign():
    worse, better = {"x": _counts(1, 1)}, {"x": _counts(2, 0)}
    forth = paired_bootstrap(worse, better)["average"]
    back = paired_bootstrap(better, worse)["average"]
    assert forth["difference"] > 0.3 and forth["low"] > 0 and forth["p"] < 0.01
    assert back["difference"] == -forth["difference"] and back["p"] < 0.01


def test_paired_bootstrap_does_not_trust_one_sentence():
    worse = numpy.tile([1, 0, 0], (100, 1))
    better = worse.copy()
    worse[0] = [0, 1, 1]
    result = paired_bootstrap({"x": worse}, {"x": better})["sets"]["x"]
    assert result["difference"] > 0
    assert result["p"] > 0.05


def test_paired_bootstrap_repeats_with_its_seed_only():
    generator = numpy.random.default_rng(1)
    a, b = {"x": generator.integers(0, 4, (50, 3))}, {"x": generator.integers(0, 4, (50, 3))}
    assert paired_bootstrap(a, b, seed=3) == paired_bootstrap(a, b, seed=3)
    assert paired_bootstrap(a, b, seed=3) != paired_bootstrap(a, b, seed=4)


def test_paired_bootstrap_averages_over_sets():
    a = {"x": _counts(1, 1), "y": _counts(1, 0)}
    b = {"x": _counts(1, 0), "y": _counts(1, 0)}
    result = paired_bootstrap(a, b)
    assert result["average"]["second"] == 1.0
    mean = (result["sets"]["x"]["difference"] + 0) / 2
    assert abs(result["average"]["difference"] - mean) < 1e-12


def test_paired_bootstrap_of_sets_without_entities_is_zero():
    nothing = {"x": numpy.zeros((5, 3), dtype=int)}
    assert paired_bootstrap(nothing, nothing)["average"]["first"] == 0.0
