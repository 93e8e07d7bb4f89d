"""A real server on loopback: slow, broken and impatient clients, and its end."""

import http.client
import json
import socket
import threading
import time

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra serve")

from spacy_gner.serving.app import create_app  # noqa: E402
from spacy_gner.serving.limits import Limits  # noqa: E402

from .helpers import Capitals, running_server  # noqa: E402

QUESTION = json.dumps({"texts": ["Ann went home"], "labels": ["person"]}).encode()


def post(port, body=QUESTION):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/ents", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def raw(port, data):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(data)
    return connection


def head(length):
    return (
        b"POST /ents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def until(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("the condition was never met")


def test_slow_and_broken_clients_do_not_stop_others():
    limits = Limits(body_seconds=0.3)
    with running_server(create_app(Capitals(), limits=limits)) as port:
        slow = [raw(port, head(len(QUESTION)) + QUESTION[:5]) for _ in range(5)]
        silent = [raw(port, b"") for _ in range(5)]
        for data in (b"\x00\xff garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", head(10**9)):
            raw(port, data).close()
        cut = raw(port, head(len(QUESTION)) + QUESTION[:10])
        cut.close()
        assert post(port)[0] == 200
        for connection in slow:
            assert b" 408 " in connection.recv(1000).split(b"\r\n")[0]
        for connection in slow + silent:
            connection.close()
        assert post(port)[0] == 200


def test_client_that_leaves_takes_its_texts_with_it():
    annotate = Capitals()
    annotate.go.clear()
    app = create_app(annotate)
    queue = app.state.queue
    with running_server(app) as port:
        first = raw(port, head(len(QUESTION)) + QUESTION)
        until(lambda: annotate.batches)
        second = raw(port, head(len(QUESTION)) + QUESTION)
        until(lambda: queue.n_waiting)
        second.close()
        until(lambda: not queue.n_waiting)
        annotate.go.set()
        assert b" 200 " in first.recv(1000)
        assert post(port)[0] == 200
        assert len(annotate.batches) == 2
        first.close()


def test_full_server_says_so_and_recovers():
    annotate = Capitals()
    annotate.go.clear()
    app = create_app(annotate, limits=Limits(waiting_tokens=1))
    with running_server(app) as port:
        waiting = [raw(port, head(len(QUESTION)) + QUESTION)]
        until(lambda: annotate.batches)
        waiting.append(raw(port, head(len(QUESTION)) + QUESTION))
        until(lambda: app.state.queue.n_waiting)
        status, headers, body = post(port)
        assert status == 429 and headers["retry-after"] == "1" and b"GNER-E607" in body
        annotate.go.set()
        for connection in waiting:
            assert b" 200 " in connection.recv(1000)
            connection.close()
        assert post(port)[0] == 200


def test_eight_clients_at_once_get_their_own_answers():
    annotate = Capitals(seconds=0.01)
    wrong = []

    def ask(client):
        for i in range(10):
            name = f"N{client}x{i}"
            body = json.dumps({"texts": [name, "none"], "labels": [f"label {client}"]}).encode()
            status, _, answer = post(port, body)
            found = json.loads(answer)["results"][0]["entities"][0]
            if status != 200 or (found["text"], found["label"]) != (name, f"label {client}"):
                wrong.append(answer)

    with running_server(create_app(annotate)) as port:
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert annotate.most_running == 1
    assert sum(len(batch["text"]) for batch in annotate.batches) == 160
    # Texts of several clients shared a call of the model.
    assert any(len(set(map(repr, batch["gner_labels"]))) > 1 for batch in annotate.batches)


def test_stop_answers_open_requests_first():
    annotate = Capitals()
    annotate.go.clear()
    with running_server(create_app(annotate)) as port:
        waiting = [raw(port, head(len(QUESTION)) + QUESTION) for _ in range(3)]
        until(lambda: annotate.batches)
        threading.Timer(0.2, annotate.go.set).start()
    # The server has ended now.
    for connection in waiting:
        assert b" 200 " in connection.recv(1000)
        connection.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_stop_gives_up_what_takes_too_long():
    annotate = Capitals()
    annotate.go.clear()
    app = create_app(annotate)
    try:
        with running_server(app, grace=1) as port:
            waiting = raw(port, head(len(QUESTION)) + QUESTION)
            until(lambda: annotate.batches)
        # The server has ended, the model has not.
        assert app.state.queue.is_computing
        answer = waiting.recv(1000)
        assert b" 503 " in answer.split(b"\r\n")[0] and b"GNER-E608" in answer
        waiting.close()
    finally:
        annotate.go.set()


def test_client_that_sends_too_much_is_told_so():
    # More than the buffers of a connection hold.
    with running_server(create_app(Capitals(), limits=Limits(body_bytes=1_000_000))) as port:
        status, _, body = post(port, b"x" * 12_000_000)
        assert status == 413 and b"GNER-E601" in body
        assert post(port)[0] == 200
