"""Pages in a real browser, where one is installed."""

import shutil
import subprocess
from html.parser import HTMLParser

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=3000",
    "--dump-dom",
)


class _Title(HTMLParser):
    title, inside = "", False

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "title" and not self.title

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.title += data


def open_page(html, folder):
    """Load a page in headless Chromium.

    html (str): The page.
    folder (Path): For the file and the browser's profile.
    RETURNS (tuple[str, str]): The title and the whole document, once its scripts have run.
    """
    browser = next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser is installed (one of {', '.join(_NAMES)})")
    path = folder / "page.html"
    path.write_text(html, encoding="utf8")
    command = [browser, *_OPTIONS, f"--user-data-dir={folder / 'profile'}", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=300, check=True)
    document = done.stdout.decode("utf8")
    parser = _Title()
    parser.feed(document)
    return parser.title, document
