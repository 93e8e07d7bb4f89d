"""One input, a file or standard input: its bytes decompressed, its lines in UTF-8."""

import codecs
import gzip
import io
import itertools
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ..errors import Errors
from .read_report import CorpusError

STDIN = "-"
_HEAD = 65_536
_GZIP = b"\x1f\x8b"
# The longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A file, or standard input, that is read as bytes, lines or as a whole.

    path (str | Path): The file; "-" is standard input. What is gzipped is decompressed,
        whether or not the name says so.
    encoding (str | None): Of text; None is UTF-8, or UTF-16 and UTF-32 where a byte order
        mark says so.
    RAISES (ValueError): E221 for an encoding that does not exist.
    """

    def __init__(self, path: str | Path, encoding: str | None = None) -> None:
        if encoding is not None:
            try:
                codecs.lookup(encoding)
            except LookupError:
                raise ValueError(Errors.E221.format(encoding=encoding)) from None
        # Readable, and fit for every output, also where the file system knows it by bytes alone.
        self.name = os.fsencode(path).decode("utf8", "backslashreplace")
        self.path = Path(path)
        self.encoding = encoding
        self._stream: io.BufferedReader | None = None

    @property
    def is_stream(self) -> bool:
        """Whether this is standard input, or a pipe with a name: they can be read only once."""
        return self.name == STDIN or (self.path.exists() and not self.path.is_file())

    @property
    def suffix(self) -> str:
        """The lower-case ending of the name, such as ".jsonl", without a final ".gz"."""
        name = self.path.name.lower().removesuffix(".gz")
        return "" if self.name == STDIN else os.path.splitext(name)[1]

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """Open the bytes for reading.

        YIELDS (BufferedReader): Decompressed; a stream stays open.
        RAISES (CorpusError): E220 for compressed data that is broken, E222 for a file that
            cannot be read.
        """
        try:
            if self.is_stream:
                yield self._open_stream()
            else:
                with open(self.path, "rb") as file:
                    is_gzip = self.path.name.lower().endswith(".gz") or file.peek(2)[:2] == _GZIP
                    yield cast(io.BufferedReader, gzip.GzipFile(fileobj=file) if is_gzip else file)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise CorpusError(Errors.E220.format(path=self.name, error=error)) from None
        except OSError as error:
            reason = error.strerror or error
            raise CorpusError(Errors.E222.format(path=self.name, error=reason)) from None

    def head(self) -> bytes:
        """RETURNS (bytes): The first 64 KB at most, without reading them away."""
        with self.open() as file:
            return file.peek(_HEAD)[:_HEAD] if self.is_stream else file.read(_HEAD)

    def first_lines(self) -> Iterator[bytes]:
        """Look at the lines without reading them away.

        RETURNS (Iterator[bytes]): The lines in UTF-8. Of a stream, which is read once only, those
            of the first 64 KB, the last of which may be cut.
        """
        if not self.is_stream:
            return (line for _, line in self.lines())
        head = self.head()
        text = head.decode(self.text_encoding(head) or "utf-8-sig", "replace")
        return (line.encode("utf8", "surrogatepass") for line in text.splitlines())

    def lines(self) -> Iterator[tuple[int, bytes]]:
        r"""Iterate over the lines, without their line ends.

        "\n" and "\r\n" end a line, so that other separators may stand in texts; "\r" does in a
        file without "\n".

        YIELDS (tuple[int, bytes]): The number of the line (from 1) and its bytes in UTF-8, which
            are not checked unless the file was in another encoding.
        RAISES (CorpusError): E204 for bytes that are not of the encoding, E220, E222.
        """
        head = self.head()
        encoding = self.text_encoding(head)
        separators = head if encoding is None else head.replace(b"\0", b"")
        old_mac = b"\r" in separators and b"\n" not in separators
        with self.open() as file:
            if encoding is None and not old_mac:
                for number, raw in enumerate(file, 1):
                    raw = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
                    yield number, raw.rstrip(b"\r\n")
                return
            text = io.TextIOWrapper(file, encoding or "utf-8", newline=None if old_mac else "\n")
            number = 0
            try:
                for number, line in enumerate(text, 1):
                    yield number, line.rstrip("\r\n").encode("utf8", "surrogatepass")
            except UnicodeError as error:
                place = f"{self.name}:{number + 1}"
                raise CorpusError(Errors.E204.format(place=place, error=error)) from None
            finally:
                if not file.closed:
                    text.detach()

    def blocks(self) -> Iterator[list[tuple[int, bytes]]]:
        """YIELDS (list[tuple[int, bytes]]): The lines between blank ones, see `lines`."""
        for is_blank, lines in itertools.groupby(self.lines(), lambda line: not line[1].strip()):
            if not is_blank:
                yield list(lines)

    def read_text(self) -> str:
        """RETURNS (str): All of it, without a byte order mark.
        RAISES (CorpusError): E204 for bytes that are not of the encoding, E220, E222.
        """
        encoding = self.text_encoding(self.head())
        with self.open() as file:
            data = file.read()
        try:
            return data.decode(encoding or "utf-8").removeprefix("\ufeff")
        except UnicodeError as error:
            raise CorpusError(Errors.E204.format(place=self.name, error=error)) from None

    def text_encoding(self, head: bytes) -> str | None:
        """Find out in which encoding the text is.

        head (bytes): The beginning of the file.
        RETURNS (str | None): Its name; None is plain UTF-8.
        RAISES (CorpusError): E223 for NUL bytes between the others, as of UTF-16 without a mark.
        """
        if self.encoding is not None:
            return self.encoding
        for mark, name in _MARKS:
            if head.startswith(mark):
                return None if name == "utf-8-sig" else name
        if head.count(b"\0") * 10 > len(head):
            raise CorpusError(Errors.E223.format(path=self.name))
        return None

    def _open_stream(self) -> io.BufferedReader:
        if self._stream is None:
            # A reader of its own, since only `peek` sees the beginning without taking it away.
            raw: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
            if self.name != STDIN:
                raw = io.FileIO(self.path)
            self._stream = io.BufferedReader(raw, _HEAD)
            if self._stream.peek(2)[:2] == _GZIP:
                self._stream = io.BufferedReader(
                    cast(io.RawIOBase, gzip.GzipFile(fileobj=self._stream)), _HEAD
                )
        return self._stream
