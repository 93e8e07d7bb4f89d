"""Every error and warning of the package, with a code, in one place.

The messages say what was wrong and what to write instead. Codes never change
their meaning. E0xx: configuration, labels, backbones; E1xx: parsing and
matching; E2xx: corpora; E3xx: scoring and reports; E4xx: decoding;
E5xx: training. Warnings follow the same ranges with W.
"""


class _WithCodes(type):
    """Prefixes a message with its code on access, as spaCy's errors do."""

    def __getattribute__(cls, code: str) -> str:
        message = super().__getattribute__(code)
        if code.startswith("__"):
            return message
        return f"[{code}] {message}"


class Errors(metaclass=_WithCodes):
    # --- E0xx: configuration, labels, backbones -----------------------------
    E001 = (
        "A label must be a string that is not empty or blank, but got {label!r}. "
        'Write for instance labels = ["person", "city"].'
    )
    # --- E1xx: parsing and matching ------------------------------------------
    # --- E2xx: corpora --------------------------------------------------------
    # --- E3xx: scoring and reports ---------------------------------------------
    # --- E4xx: decoding ----------------------------------------------------------
    # --- E5xx: training ------------------------------------------------------------


class Warnings(metaclass=_WithCodes):
    # --- W0xx: configuration, windows, backbones ----------------------------------
    W001 = (
        "A single word of {n_tokens} tokens does not fit into the window of the model "
        "({max_tokens} tokens): it is tagged O. This is said once."
    )
    # --- W2xx: corpora ---------------------------------------------------------------
    # --- W3xx: scoring and reports -----------------------------------------------------
    # --- W4xx: decoding -------------------------------------------------------------------
    # --- W5xx: training ---------------------------------------------------------------------
