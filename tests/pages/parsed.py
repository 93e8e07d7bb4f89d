"""Pages as a parser sees them."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "path", "use", "rect"}


class ParsedPage(HTMLParser):
    """Collects what is in a page, and fails where tags do not nest.

    tags (list[tuple[str, dict]]): All tags with their attributes.
    open (list[str]): Tags that were not closed.
    texts (list[tuple[str, str]]): Each text with the tag that it stands in.
    """

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), attrs
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag, **attributes):
        """The attributes of all tags of a name that have these attributes."""
        return [
            found
            for name, found in self.tags
            if name == tag and attributes.items() <= found.items()
        ]

    def text_in(self, tag):
        return "".join(text for name, text in self.texts if name == tag)


def check_is_safe(html):
    """Fail for a page that could run or load what does not belong to it."""
    page = ParsedPage(html)
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form_", "foreignobject"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "data", "formaction"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"]
    scripts = page.all("script")
    assert len(scripts) == ("script-src" in policy["content"])
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    return page
