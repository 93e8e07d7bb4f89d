"""Where the tokens of an output stand in its text."""

import pytest

from ..models import build_tiny_causal, build_tiny_seq2seq


@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_token_ends_are_where_the_text_up_to_each_token_ends(build):
    codec = build().codec
    pieces = ["Paris(B-city)", "smile(x)", "é(O)", "New York(I-city)", "(O)", "London(O)"]
    ids = [token for row in codec.target_ids(pieces) for token in row]
    text = codec.decode(ids)
    ends = codec.token_ends(ids)
    assert len(ends) == len(ids) and ends == sorted(ends) and ends[-1] == len(text)
    slow = [len(codec.decode(ids[: i + 1])) for i in range(len(ids))]
    for at, character in enumerate(text):
        if not character.isspace() and character.isascii():
            token = next(i for i, end in enumerate(slow) if end > at)
            assert next(i for i, end in enumerate(ends) if end > at) == token
