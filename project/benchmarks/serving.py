"""Load on a server: clients on loopback for a bounded time, beside one process without a server.

    python project/benchmarks/serving.py --model DIR --seconds 120 [--ray]

Starts `python -m spacy_gner serve` itself, on loopback; with --ray the same app under Ray Serve.
Slow and broken clients come along.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SENTENCES = (
    "Marie Curie won the Nobel Prize while working in Paris.",
    "The European Commission met in Brussels on Tuesday, said Angela Merkel.",
    "IBM opened an office in New York.",
    "Nobody was there.",
)
LABELS = ["person", "city", "award"]


def main() -> None:
    """Run the test and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="A language model or pipeline; the default if left out.")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--ray", action="store_true", help="Under Ray Serve.")
    options = parser.parse_args()
    alone = _one_process(options.model, min(options.seconds, 30))
    with (_under_ray if options.ray else _alone)(options.model) as port:
        latencies, failures = _load(port, options.clients, options.seconds)
        busy = _info(port)["queue"]
    latencies.sort()
    result = {
        "clients": options.clients,
        "seconds": options.seconds,
        "requests": len(latencies),
        "failures": failures,
        "p50_ms": round(1000 * statistics.median(latencies)),
        "p95_ms": round(1000 * latencies[int(0.95 * len(latencies))]),
        "texts_per_second": round(len(latencies) / options.seconds, 1),
        "texts_per_second_of_one_process": round(alone, 1),
        # With several replicas, those of one of them.
        "texts_per_batch": round(busy["texts"] / busy["batches"], 1),
    }
    print(json.dumps(result, indent=1))


@contextmanager
def _alone(model: str | None) -> Iterator[int]:
    """YIELDS (int): The port of `python -m spacy_gner serve`."""
    command = [sys.executable, "-m", "spacy_gner", "serve", "--port", "0", "--device", "cpu"]
    command += ["--model", model] if model else []
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield _port(server)
    finally:
        server.send_signal(signal.SIGTERM)
        print(f"The server ended with {server.wait(60)}.")


@contextmanager
def _under_ray(model: str | None) -> Iterator[int]:
    """YIELDS (int): The port of Ray Serve."""
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray
    from ray import serve

    from spacy_gner.distributed.ray_serve import build

    ray.init("local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    port = 8766
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(build({"model": model} if model else {}))
        yield port
    finally:
        serve.shutdown()
        ray.shutdown()


def _info(port: int) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=130)
    connection.request("GET", "/info")
    return json.loads(connection.getresponse().read())


def _one_process(model: str | None, seconds: float) -> float:
    from spacy_gner.pipeline.annotator import Annotator

    annotator = Annotator(model, LABELS, device="cpu")
    texts = [random.Random(0).choice(SENTENCES) for _ in range(8)]
    annotator({"text": texts})
    started, n_texts = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        n_texts += len(annotator({"text": texts})["entities"])
    return n_texts / (time.monotonic() - started)


def _port(server: Any) -> int:
    for line in server.stderr:
        if "running on http://127.0.0.1:" in line:
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return int(line.partition("127.0.0.1:")[2].split()[0])
    raise RuntimeError("the server did not start")


def _load(port: int, n_clients: int, seconds: float) -> tuple[list[float], list[str]]:
    end = time.monotonic() + seconds
    latencies: list[float] = []
    failures: list[str] = []

    def client(number: int) -> None:
        chance = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=130)
        while time.monotonic() < end:
            body = json.dumps({"texts": [chance.choice(SENTENCES)], "labels": LABELS})
            started = time.monotonic()
            try:
                connection.request("POST", "/ents", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status != 200 or answer["results"][0]["error"]:
                    raise RuntimeError(f"{response.status} {answer}")
            except Exception as error:
                failures.append(repr(error))
                connection.close()
                time.sleep(0.1)
            else:
                latencies.append(time.monotonic() - started)

    def disturber() -> None:
        # One that sends half a request and waits, one that leaves at once, one that sends noise.
        head = b"POST /ents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        while time.monotonic() < end:
            held = socket.create_connection(("127.0.0.1", port))
            held.sendall(head)
            for data in (head, os.urandom(200), b"GET /info HTTP/1.1\r\n"):
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(data)
            time.sleep(1)
            held.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(n_clients)]
    threads.append(threading.Thread(target=disturber))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, failures


if __name__ == "__main__":
    main()
