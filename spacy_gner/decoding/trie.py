"""The tokens of the tags as a tree."""

from collections.abc import Iterable, Mapping, Sequence

# What Python needs for a node, measured: its dict above all, its share of `suffixes`.
_NODE_BYTES = 350


class TagNode:
    """A node of the tree. At a leaf a tag is complete.

    children (dict[int, TagNode]): By token.
    tag (str | None): The tag of a leaf.
    """

    __slots__ = ("children", "tag")

    def __init__(self) -> None:
        self.children: dict[int, TagNode] = {}
        self.tag: str | None = None

    def first_tag(self) -> str:
        """RETURNS (str): The first of the tags that it leads to."""
        node = self
        while node.tag is None:
            node = next(iter(node.children.values()))
        return node.tag

    def only_path(self) -> list[int]:
        """RETURNS (list[int]): The tokens down to the next node where there is a choice, or
        to the leaf."""
        node, path = self, []
        while len(node.children) == 1:
            ((token, node),) = node.children.items()
            path.append(token)
        return path


class TagTrie:
    """The tags that are allowed for a word, by what tells them apart.

    suffixes (Mapping[str, Sequence[int]]): The tokens of each tag, from where the tags
        of a word begin to differ.

    Tags whose tokens are those of an earlier tag, or begin with them, or are the beginning
    of them (characters that the vocabulary lacks look alike) cannot be told
    from it and are left out. `n_bytes` is about the memory that it takes.
    """

    def __init__(self, suffixes: Mapping[str, Sequence[int]]):
        self.root = TagNode()
        self.n_bytes = 0
        self.suffixes: dict[str, tuple[int, ...]] = {}
        for tag, suffix in suffixes.items():
            self._add(tag, tuple(suffix))

    def _add(self, tag: str, suffix: tuple[int, ...]) -> None:
        node = self.root
        for depth, token in enumerate(suffix):
            if node.tag is not None:
                return
            if token not in node.children:
                for new in suffix[depth:]:
                    node.children[new] = TagNode()
                    node = node.children[new]
                self.n_bytes += _NODE_BYTES * (len(suffix) - depth)
                node.tag = tag
                self.suffixes[tag] = suffix
                return
            node = node.children[token]
        # All of it is there already (or there is nothing): the first one keeps it.
        if not self.suffixes:
            self.suffixes[tag] = suffix
            node.tag = tag

    def within(self, tags: Iterable[str]) -> "TagTrie":
        """RETURNS (TagTrie): The tree of some of the tags."""
        return TagTrie({tag: self.suffixes[tag] for tag in tags if tag in self.suffixes})

    def find(self, tokens: Sequence[int]) -> TagNode | None:
        """RETURNS (TagNode | None): Where these tokens lead from the root."""
        node: TagNode | None = self.root
        for token in tokens:
            node = node.children.get(token) if node is not None else None
        return node

    def choices(self, tag: str) -> list[tuple[int, list[int], int]]:
        """The choices on the way to a tag.

        RETURNS (list[tuple[int, list[int], int]]): Where there is more than one child: the
            depth, the tokens of the children, and the index of the one that is taken.
        """
        node, result = self.root, []
        for depth, token in enumerate(self.suffixes[tag]):
            if len(node.children) > 1:
                children = list(node.children)
                result.append((depth, children, children.index(token)))
            node = node.children[token]
        return result
