import threading
from dataclasses import dataclass

from spacy_gner.backbones.caches import Cache


@dataclass
class Thing:
    n_bytes: int
    name: str = ""


def test_cache_is_bounded_and_forgets_the_least_recently_used():
    cache = Cache(10)
    first = cache.get("a", lambda: Thing(4))
    cache.get("b", lambda: Thing(4))
    assert cache.get("a", lambda: Thing(99)) is first
    cache.get("c", lambda: Thing(4))
    assert "a" in cache and "c" in cache and "b" not in cache
    assert cache.n_bytes == 8


def test_cache_keeps_the_last_one_whatever_its_size():
    cache = Cache(10)
    cache.get("a", lambda: Thing(4))
    large = cache.get("b", lambda: Thing(400))
    assert len(cache) == 1 and cache.get("b", lambda: Thing(1)) is large


def test_cache_counts_what_grows():
    cache = Cache(10)
    cache.get("a", lambda: Thing(4))
    growing = cache.get("b", lambda: Thing(4))
    growing.n_bytes = 9
    cache.get("b", lambda: Thing(1))
    assert "a" not in cache and cache.n_bytes == 9


def test_cache_counts_what_grew_after_it_was_asked_for():
    """As tables of tags do, which are filled once they are there, and may never be asked for
    again."""
    cache = Cache(10)
    for name in "abcdef":
        cache.get(name, lambda: Thing(0)).n_bytes = 4
        assert cache.n_bytes <= 10 + 4
    assert len(cache) <= 3


def test_cache_forgets_a_type():
    class Other(Thing):
        pass

    cache = Cache(100)
    cache.get("a", lambda: Thing(4))
    cache.get("b", lambda: Other(4))
    cache.forget(Other)
    assert "a" in cache and "b" not in cache and cache.n_bytes == 4


def test_cache_is_shared_by_threads():
    """Two makers of one value: all get the same one."""
    cache = Cache(1000)
    found: list[Thing] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for i in range(200):
            found.append(cache.get(i % 20, lambda i=i: Thing(1, str(i % 20))))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1600
    assert len({id(thing) for thing in found}) == 20
