"""Which model types transformers can load as an encoder-decoder or as a decoder."""

from collections.abc import Container


def family_names(family: str) -> Container[str]:
    """The types of a family, by `model_type` in their config.

    family (str): "seq2seq" or "causal".
    RETURNS (Container[str]): The types. What transformers looks them up in is not public: where it
        has gone, all are taken for known, and loading a model that is not fails later.
    """
    from transformers.models.auto import modeling_auto

    name = {
        "seq2seq": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
        "causal": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    }[family]
    names: Container[str] = getattr(modeling_auto, name, _Anything())
    return names


class _Anything:
    def __contains__(self, name: object) -> bool:
        return True
