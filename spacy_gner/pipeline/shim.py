"""The thinc side of a backbone: lazy loading, saving, updates."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from thinc.api import Model, Optimizer, get_current_ops, set_current_ops
from thinc.shims.shim import Shim

from ..backbones.adapters import KeptAdapter
from ..backbones.calibration import FILE as CALIBRATION_FILE
from ..backbones.calibration import Calibration
from ..backbones.files import bytes_to_directory, directory_to_bytes
from ..backbones.settings import BackboneSettings
from ..backbones.sources import Source, resolve_source
from ..backbones.storage import (
    adapter_directory_of,
    read_meta,
    save_backbone,
    weights_directory,
)


class BackboneShim(Shim):
    """Holds a backbone for a thinc `Model`. Nothing is loaded before it is needed.

    settings (BackboneSettings): What to load.
    """

    def __init__(self, settings: BackboneSettings):
        super().__init__(None)
        self.settings = settings
        # What becomes a token where the settings ask for it: the format knows.
        self.tag_tokens: tuple[str, ...] = ("(O)", "(B-", "(I-")
        # Set by training: from then on the weights are no longer those of the source.
        self.modified = False
        self.trained = False
        # How far its scores are off; that of a saved pipeline before that of the source.
        self.calibration: Calibration | None = None
        # The backbone, which other shims may hold too.
        self.held: Any = None
        self._trainer: Any = None
        self._lock = threading.Lock()
        # What `spacy.require_gpu` chose holds for one thread only.
        self._thread, self._ops = threading.get_ident(), get_current_ops()

    @property
    def is_loaded(self) -> bool:
        """RETURNS (bool): Whether the weights are in memory."""
        return self.held is not None

    @property
    def backbone(self) -> Any:
        """RETURNS (Backbone): The model and its tokenizer, loaded on first use. Other pipelines of
        this process may have it too: nothing but training changes it, and only in a copy.
        RAISES (ValueError): E010 to E019 when the model cannot be loaded.
        """
        with self._lock:
            if self.held is None:
                self._load(self.settings)
            return self.held.backbone

    def _load(self, settings: BackboneSettings, adapter: KeptAdapter | None = None) -> None:
        # Imported here, since torch and transformers take seconds.
        from ..backbones.device import quiet_transformers
        from .sharing import identify, share

        source = resolve_source(settings.name)
        if adapter is None and self.calibration is None and source.is_directory:
            self.calibration = Calibration.read(source.adapter or Path(source.location))
        if adapter is not None and adapter.replaces:
            source = replace(source, adapter=None)
        with quiet_transformers(), self._builders_ops():
            new_tokens = self.tag_tokens if settings.tag_tokens else ()
            identity = identify((settings, self.settings), new_tokens, source, adapter)
            load = partial(self._make_backbone, settings, source, adapter, new_tokens)
            self._model = share(self, identity, load).model

    def _make_backbone(
        self,
        settings: BackboneSettings,
        source: Source,
        adapter: KeptAdapter | None,
        new_tokens: tuple[str, ...],
    ) -> Any:
        # Imported here, since torch and transformers take seconds.
        from ..backbones.backbone import Backbone
        from ..backbones.codec import TextCodec
        from ..backbones.loading import apply_adapter, load_pretrained

        objects, family = load_pretrained(settings, source, new_tokens)
        tokenizer, model = objects.tokenizer, objects.transformer
        if adapter is not None:
            with adapter.opened() as directory:
                tokenizer, model = apply_adapter(tokenizer, model, directory)
            model.eval()
        elif source.adapter is not None:
            adapter = KeptAdapter(source.adapter, is_own=False)
        # The settings of the shim, not those of the call: the weights may have come
        # from a saved pipeline, the name stays that of the source.
        codec = TextCodec.of_model(tokenizer, family, model.config, self.settings)
        return Backbone(codec, model, self.settings, adapter, new_tokens)

    @contextmanager
    def _builders_ops(self) -> Iterator[None]:
        """In other threads than the one that made this shim, take over its device: a web
        service calls `spacy.require_gpu` in one and gets its first text in another."""
        if threading.get_ident() == self._thread:
            yield
            return
        here = get_current_ops()
        set_current_ops(self._ops)
        try:
            yield
        finally:
            set_current_ops(here)

    @property
    def trainer(self) -> Any:
        """RETURNS (Trainer): Trains the backbone, which is loaded if need be."""
        _ = self.backbone
        self._make_own()
        backbone = self.held.backbone
        if self._trainer is None or self._trainer.backbone is not backbone:
            # Imported here, since torch takes seconds.
            from ..training.trainer import Trainer

            self._trainer = Trainer(backbone)
        return self._trainer

    def _make_own(self) -> None:
        from .sharing import make_own

        make_own(self)
        self._model = self.held.backbone.model

    @property
    def n_trained(self) -> int:
        """RETURNS (int): Target tokens that the model was trained with so far."""
        return 0 if self._trainer is None else self._trainer.n_trained

    # --- training -----------------------------------------------------------------

    def __call__(self, inputs: Any, is_train: bool) -> tuple[Any, Callable[..., Any]]:
        from ..training.encoding import TrainingBatch, encode_docs
        from ..training.forward import forward_batch

        trainer = self.trainer
        if not isinstance(inputs, TrainingBatch):
            inputs = encode_docs(inputs, trainer.backbone.codec)
        return forward_batch(trainer, inputs, is_train)

    def finish_update(self, optimizer: Optimizer) -> None:
        if self._trainer is not None and self._trainer.finish_update(optimizer):
            self.modified = self.trained = True
            # It was that of other weights.
            self.calibration = None

    def calibrated(self, score: float) -> float:
        """score (float): Of an entity, as the decoder found it.
        RETURNS (float): How likely it is to be right, where the model is calibrated."""
        if self.calibration is None:
            return score
        return self.calibration(score, self.backbone.dtype)

    @property
    def threshold(self) -> float:
        """RETURNS (float): The score below which entities are rather left out, by the calibration;
        0 where there is none."""
        # The calibration comes with the model.
        dtype = self.backbone.dtype
        return 0.0 if self.calibration is None else self.calibration.scale_of(dtype).threshold

    # --- saving and loading -----------------------------------------------------------

    def to_disk(self, path: str | Path) -> None:
        """Write the backbone into a directory, see `storage`.

        path (str | Path): The directory.
        RAISES (ValueError): E021, see `save_backbone`.
        """
        if self.settings.save_weights and self.held is None:
            # The promise is that a saved pipeline needs nothing else.
            _ = self.backbone
        backbone = None if self.held is None else self.held.backbone
        save_backbone(Path(path), self.settings, backbone, self.modified, self.trained)
        if self.calibration is not None:
            self.calibration.write(Path(path))
        else:
            (Path(path) / CALIBRATION_FILE).unlink(missing_ok=True)

    def from_disk(self, path: str | Path) -> "BackboneShim":
        """Read a backbone from a directory that `to_disk` wrote.

        path (str | Path): The directory.
        RETURNS (BackboneShim): This shim, with the weights loaded. Where it runs, how it is
            trained and whether code that comes with a model may run follow the present
            config, not the saved one.
        RAISES (ValueError): E023 for a directory that cannot be read.
        """
        path = Path(path)
        meta, saved = read_meta(path)
        self.calibration = Calibration.read(path)
        here = self.settings
        self.settings = replace(
            saved,
            device=here.device,
            dtype=here.dtype,
            save_weights=here.save_weights,
            cache_bytes=here.cache_bytes,
            lora=here.lora,
            gradient_checkpointing=here.gradient_checkpointing,
            mixed_precision=here.mixed_precision,
            # The config can be read and overridden; no other file may say that code can run.
            trust_remote_code=here.trust_remote_code,
        )
        source = self.settings
        if meta["weights"]:
            source = replace(source, name=str(weights_directory(path)), revision=None)
        adapter = None
        if meta["adapter"]:
            replaces = not meta["weights"] and meta["adapter_replaces"]
            adapter = KeptAdapter.read(adapter_directory_of(path), replaces)
        if meta["weights"] or adapter is not None:
            self._load(source, adapter)
        else:
            # A reference: loaded when needed, like a fresh component.
            self.held = self._model = None
        self.modified = meta["weights"] or adapter is not None
        self.trained = bool(meta.get("trained"))
        return self

    def begin_afresh(self) -> None:
        """Forget what was trained: the weights are those of the source again, loaded when they are
        needed. Does nothing where nothing was trained."""
        if self.trained or self._trainer is not None:
            self.held = self._model = self._trainer = None
            self.modified = self.trained = False

    def to_bytes(self) -> bytes:
        """RETURNS (bytes): The directory of `to_disk`, packed.
        RAISES (ValueError): E022 above 4 GiB."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="spacy-gner-") as folder:
            self.to_disk(folder)
            return directory_to_bytes(Path(folder))

    def from_bytes(self, data: bytes) -> "BackboneShim":
        """data (bytes): What `to_bytes` gave. RETURNS (BackboneShim): This shim."""
        with bytes_to_directory(data) as folder:
            return self.from_disk(folder)

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move a loaded model, as thinc's `Model.to_gpu` and `to_cpu` ask for."""
        if self.held is not None:
            name = f"cuda:{device_id}" if device_type == "gpu" else "cpu"
            self._make_own()
            self.held.backbone.model.to(name)

    def __getstate__(self) -> dict[str, Any]:
        # Pickle carries the settings, and the weights only when they cannot be loaded
        # again from their source: processes that are started by spawn get little.
        return {
            "id": self.id,
            "settings": self.settings,
            "modified": self.modified,
            "trained": self.trained,
            "tag_tokens": self.tag_tokens,
            "calibration": self.calibration,
            "weights": self.to_bytes() if self.modified else None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["settings"])  # type: ignore[misc]
        self.id = state["id"]
        self.tag_tokens = state["tag_tokens"]
        if state["weights"] is not None:
            self.from_bytes(state["weights"])
        self.modified, self.trained = state["modified"], state["trained"]
        self.calibration = state["calibration"]


def get_shim(model: Model[Any, Any]) -> BackboneShim:
    """RETURNS (BackboneShim): The shim of a backbone's thinc model."""
    return model.shims[0]  # type: ignore[return-value]
