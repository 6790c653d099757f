"""Files that are whole or not there: atomic writing, hashes, tensors on disk, and what a file is that is another."""

from __future__ import annotations

import codecs
import csv
import glob
import hashlib
import io
import json
import os
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

import torch
from torch import Tensor, nn

WINDOWS = os.name == "nt"
#: Bytes of a file name that most disks take, and seconds for which another program may keep a file open on Windows.
NAME, PATIENCE = 255, 2.0
#: Where training scripts keep the weights within what they save, the likeliest first.
PLACES = ("state_dict", "model_state_dict", "best_state_dict", "model", "net", "weights")
#: What DataParallel and torch.compile put before every name.
PREFIXES = ("module.", "_orig_mod.")
#: What is expected of a file of weights.
WHOLE = "Expected a whole .safetensors file, or a state dict or checkpoint written by torch.save."
#: What torch.save wrote before version 1.6 begins with, within its first pickle.
TORCH_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
#: Formats by their first bytes: the bytes, a name for the kind, and what to call a file of it.
FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "pointer", "a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"),
    (b"\x1f\x8b", "compressed", "compressed with gzip; unpack it first (gunzip)"),
    (b"BZh", "compressed", "compressed with bzip2; unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "compressed", "compressed with xz; unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "compressed", "compressed with Zstandard; unpack it first (unzstd)"),
    (b"7z\xbc\xaf\x27\x1c", "compressed", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "compressed", "a RAR archive; unpack it first"),
    (b"\x89HDF\r\n\x1a\n", "HDF5", "an HDF5 file, as Keras writes; export the weights from there"),
    (b"\x93NUMPY", "NumPy", "an array of NumPy (.npy)"),
    (b"\x89PNG", "picture", "a picture (PNG)"),
    (b"\xff\xd8\xff", "picture", "a picture (JPEG)"),
    (b"GIF8", "picture", "a picture (GIF)"),
    (b"%PDF", "PDF", "a PDF"),
    (b"GGUF", "GGUF", "a GGUF file of llama.cpp"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook", "an old file of Excel or Word; save it as text (CSV)"),
)


def write_atomically(path: str | Path, write: Callable[[BinaryIO], Any]) -> Path:
    """Let ``write`` fill a temporary file in the same folder, then put it in place in one step.

    Whoever reads ``path`` finds the old file or the new one and never half of one, also when the process is
    killed or the disk is full. Returns the path.

    >>> path = write_atomically(Path(tempfile.mkdtemp()) / "a.txt", lambda file: file.write(b"hello"))
    >>> path.read_text()
    'hello'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path.name))
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are for their owner alone
        _replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def temporary_prefix(name: str) -> str:
    """How the temporary file of a name begins: with a full stop and the name, cut where its end would not fit.

    >>> temporary_prefix("a.txt"), len(temporary_prefix("a" * NAME))
    ('.a.txt.', 240)
    """
    return f".{shortened(name, NAME - 17)}."  # two full stops and what mkstemp appends, with room to spare


def shortened(name: str, most: int) -> str:
    """The beginning of a name, of at most so many bytes.

    >>> shortened("été", 4)
    'ét'
    """
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def _replace(temporary: str, path: Path) -> None:
    _patiently(lambda: os.replace(temporary, path), path, "replaced")


def remove(path: Path) -> None:
    """Remove a file, or do nothing where there is none.

    >>> remove(Path(tempfile.mkdtemp()) / "nothing")
    """
    _patiently(lambda: path.unlink(missing_ok=True), path, "removed")


def _patiently(act: Callable[[], Any], path: Path, what: str) -> None:
    """Change a file's place. Windows refuses this while another program, such as a scanner, has the file open."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except PermissionError as error:
            if not WINDOWS:
                raise
            if time.monotonic() > end:
                words = f"cannot be {what}, because a program has it open; close it there"
                raise PermissionError(error.errno, words, str(path)) from error
        time.sleep(0.05)


def write_json(path: str | Path, content: Any) -> Path:
    """Write ``content`` as indented JSON, atomically."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    # File names whose bytes are no text are surrogates in Python; they become escapes.
    return write_atomically(path, lambda file: file.write(text.encode("utf-8", "backslashreplace")))


def refuse_unwritable(path: str | Path, option: str = "--out", *, folder: bool = False) -> Path:
    """Refuse a place where nothing can be written, before the work whose result belongs there; returns the path.

    A file without a name is tried in the nearest folder that exists, and nothing is left behind.

    Args:
        path: file to write, or a folder to write into.
        option: where the path came from, for the message.
        folder: whether it is a folder.

    Raises:
        OSError: with the path, the reason and what to do.

    >>> place = Path(tempfile.mkdtemp())
    >>> refuse_unwritable(place / "new" / "table.json").name
    'table.json'
    >>> refuse_unwritable(place)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    OSError: ...: is a folder; --out takes the name of a file
    """
    path = Path(path)
    wanted = "the name of a file" if not folder else "a folder"
    try:
        if path.exists() and path.is_dir() != folder:
            raise OSError(f"{path}: is a {'folder' if path.is_dir() else 'file'}; {option} takes {wanted}")
        above = path if folder else path.parent
        while not above.exists() and above != above.parent:  # a drive that is not there is its own parent
            above = above.parent
        if not above.exists():
            raise OSError(f"{path}: cannot be written, because there is no {above}; choose another {option}")
        if not above.is_dir():
            raise OSError(f"{path}: cannot be written, because {above} is a file; choose another {option}")
        with tempfile.TemporaryFile(dir=above) as file:
            file.write(bytes(4096))  # a full disk still takes an empty file
            file.flush()
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(f"{path}: cannot be written ({error.strerror}); choose another {option}") from error
    return path


@contextmanager
def folder_to_fill(path: str | Path, option: str = "--out") -> Iterator[Path]:
    """Make a folder for what work writes into it; where the work fails before it wrote anything, nothing is left.

    Args:
        path, option: as for :func:`refuse_unwritable`, which is asked first.

    Raises:
        OSError: as :func:`refuse_unwritable`.

    >>> place = Path(tempfile.mkdtemp())
    >>> with folder_to_fill(place / "runs" / "a") as folder:
    ...     raise ValueError("the data do not fit")
    Traceback (most recent call last):
    ...
    ValueError: the data do not fit
    >>> list(place.iterdir())
    []
    """
    path = refuse_unwritable(path, option, folder=True)
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        raise


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write safetensors atomically; tensors are moved to the CPU and made contiguous."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(plain, dict(metadata or {}))
    return write_atomically(path, lambda file: file.write(content))


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a file of weights, read without running code from it; see `read_checkpoint`.

    Half-precision tensors of a ``.safetensors`` file come back as float32, ready to compute with on a CPU.

    Raises:
        FileNotFoundError, ValueError: which name the file and what was expected.

    >>> path = save_tensors(Path(tempfile.mkdtemp()) / "w.safetensors", {"a": torch.ones(2).half()})
    >>> load_tensors(path)
    {'a': tensor([1., 1.])}
    """
    return read_checkpoint(path)[0]


def released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file of safetensors, which stays mapped into memory as long as they live.

    On Windows they are copies, because a file that is mapped can neither be replaced nor removed there.

    >>> released({"a": torch.ones(1)})
    {'a': tensor([1.])}
    """
    return {name: value.clone() for name, value in tensors.items()} if WINDOWS else tensors


def read_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights in a file, and what is written beside them.

    The content decides how a file is read, not its name: safetensors, or what ``torch.save`` wrote, today or before
    version 1.6. The latter is read with ``weights_only=True``, so it cannot run code. Of a training's checkpoint the
    weights are taken from its ``state_dict`` (or another of :data:`PLACES`), and the ``module.`` of DataParallel and
    the ``_orig_mod.`` of torch.compile are taken off the names. Numbers and arrays of NumPy, such as the score that
    training scripts store, are allowed and passed over: stand-ins of our own are called for them, nothing of NumPy.

    Returns:
        Names and tensors; and the entries beside a nested state dict, or the metadata of safetensors. Half-precision
        tensors of safetensors come back as float32.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is something else, ends too early, is damaged, or holds other Python objects; the
            message says which.

    >>> path = Path(tempfile.mkdtemp()) / "checkpoint.pth.tar"
    >>> torch.save({"epoch": 3, "state_dict": {"module.a": torch.ones(1)}}, path)
    >>> read_checkpoint(path)
    ({'a': tensor([1.])}, {'epoch': 3})
    """
    path = Path(path)
    if form_of(path) == "safetensors":
        from safetensors.torch import load_file

        try:
            loaded = load_file(path)
        except Exception as error:  # SafetensorError, OSError, and TypeError for a type that torch does not have
            raise _unreadable(path, f"it is damaged ({_line(error)}); copy or download it again") from error
        halves = {name: value.float() for name, value in loaded.items() if value.dtype == torch.float16}
        return _short({**released(loaded), **halves}), {**tensor_metadata(path)}
    try:
        # An open file, because torch.load believes the name of a path.
        with open(path, "rb") as file, torch.serialization.safe_globals(list(_ALLOWED)):
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises depends on where a file is damaged
        raise _unreadable(path, _reason(error)) from error
    if _altered(path):
        raise _unreadable(path, "it is damaged (a checksum does not fit its numbers); copy or download it again")
    return _weights_in(loaded, path)


class _PassedOver:
    """Stands in for what NumPy would make of a number or an array in a checkpoint, and keeps nothing of it."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


#: NumPy's names in pickles, those of before version 2 and those since, and what is called instead.
_ALLOWED = tuple(
    (_PassedOver, name)
    for name in (
        "numpy.dtype",
        "numpy.ndarray",
        *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    )
)


def _weights_in(loaded: Any, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    def weights(value: Any) -> bool:
        return isinstance(value, Mapping) and all(isinstance(each, Tensor) for each in value.values())

    beside: dict[str, Any] = {}
    state = loaded
    if isinstance(loaded, Mapping) and not weights(loaded):
        place = next((name for name in PLACES if loaded.get(name) and weights(loaded[name])), None)
        if place is not None:
            state, beside = loaded[place], {str(name): value for name, value in loaded.items() if name != place}
    if not weights(state):
        found = f"a {type(state).__name__}"
        if isinstance(state, Mapping):
            odd, value = next((name, value) for name, value in state.items() if not isinstance(value, Tensor))
            kind = "NumPy's" if isinstance(value, _PassedOver) else f"of the type {type(value).__name__}"
            found = f"a dict of {', '.join(map(str, list(state)[:6]))}, where {odd} is {kind}"
        raise _unreadable(path, f"it holds {found}, not names and tensors")
    return _short({str(name): value for name, value in state.items()}), beside


def _short(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors without a prefix that all names have."""
    for prefix in PREFIXES * 2:  # either may come first
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor with a NaN or an infinity, as a diverged training leaves them; None without one.

    >>> not_finite({"a": torch.ones(2), "b": torch.tensor([0.0, torch.nan])})
    'b'
    """
    return next((k for k, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()), None)


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: str | Path, expected: str, **options: Any) -> None:
    """Give a network the tensors of a file.

    Args:
        network: changed in place.
        tensors: by the network's own names.
        path: where they come from, for messages.
        expected: whose weights they should be, for messages.
        options: of ``load_state_dict``.

    Raises:
        ValueError: where they are another network's, or not finite.

    >>> fill(nn.Linear(1, 1), {"weight": torch.ones(1, 1)}, "w.pth", "a line")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: w.pth: expected a state dict of a line, got other weights (Error(s) in loading state_dict ...
    """
    if spoiled := not_finite(tensors):
        raise ValueError(f"{path}: its tensor {spoiled} has NaN or infinite numbers; take the weights of another run")
    try:
        network.load_state_dict(dict(tensors), **options)
    except RuntimeError as error:
        wrong = " ".join(str(error).split())[:300]
        raise ValueError(f"{path}: expected a state dict of {expected}, got other weights ({wrong})") from error


def form_of(path: str | Path) -> Literal["safetensors", "torch"]:
    """How a file of weights is written, by its content; a file that is none is refused and named as what it is.

    Nothing is unpickled. A file that ends too early is noticed where its format allows it.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is no weights.

    >>> path = Path(tempfile.mkdtemp()) / "w.pth"
    >>> _ = path.write_text("version https://git-lfs.github.com/spec/v1")
    >>> form_of(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: ...w.pth: cannot be read as weights: it is a pointer of Git LFS, not the file itself; fetch it with ...
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {absent(path)}; expected weights as .safetensors or .pth")
    try:
        kind, words = _kind(path)
    except OSError as error:
        raise _unreadable(path, f"{error.strerror}") from error
    if kind == "safetensors" or kind == "torch":
        return kind
    raise _unreadable(path, f"it {words}" if kind == "cut" else f"it is {words}")


def broken(path: str | Path) -> str | None:
    """Why a file cannot be weights, in words for a list; None for one whose header and length are right.

    No number is read, so that a file that was altered and kept its length is not noticed.

    >>> path = Path(tempfile.mkdtemp()) / "w.safetensors"
    >>> _ = path.write_bytes(b"")
    >>> broken(path), broken(save_tensors(path, {"a": torch.ones(2)}))
    ('cannot be read as weights: it is empty (0 bytes); copy or download it again', None)
    """
    try:
        tensor_metadata(path)
    except (ValueError, OSError) as error:
        return str(error).removeprefix(f"{path}: ").removesuffix(f". {WHOLE}")
    return None


def absent(path: str | Path, like: str = "*.safetensors") -> str:
    """Why a path is no file to read, in words for a message that follow its name.

    Args:
        path: what is no file.
        like: names of files that may have been meant where it is a folder.

    >>> folder = Path(tempfile.mkdtemp())
    >>> absent(folder), absent(folder / "teacher.safetensors")
    ('is a folder', 'no such file')
    >>> _ = (folder / "teacher.safetensors").write_bytes(b"")
    >>> absent(folder)
    'is a folder, with the file teacher.safetensors in it'
    """
    path = Path(path)
    if path.is_dir():
        inside = next(iter(sorted(each.name for each in path.glob(like))), None)
        return "is a folder" + (f", with the file {inside} in it" if inside else "")
    return "is a pipe or a device, not a file on a disk" if path.exists() else "no such file"


def what_is(path: str | Path, *expected: str) -> str | None:
    """What a file is, in words for a message; None where its bytes say nothing, or where it is of an `expected` kind.

    Kinds: ``"safetensors"``, ``"torch"``, ``"NumPy"``, ``"picture"``, ``"JSON"``, ``"text"``, ``"empty"`` and those
    of :data:`FORMATS`. For an error that is known already: a file that cannot be read is None too.

    >>> path = Path(tempfile.mkdtemp()) / "train.json"
    >>> _ = path.write_text("<!DOCTYPE html>")
    >>> what_is(path, "JSON")
    'a web page (HTML): a download was refused or wanted a click; download it again in a browser'
    """
    try:
        kind, words = _kind(Path(path))
    except OSError:
        return None
    return None if kind in (*expected, "unknown") else words


def _kind(path: Path) -> tuple[str, str]:
    """A file's kind and what to call it."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(1024)
    if not head:
        return "empty", "empty (0 bytes); copy or download it again"
    for start, kind, words in FORMATS:
        if head.startswith(start):
            return kind, words
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if head[257:262] == b"ustar":
        return "compressed", "a tar archive; unpack it first (tar -xf)"
    if head[4:8] == b"TFL3":
        return "TensorFlow", "a network of TensorFlow Lite"
    if head[:1] == b"\x08" and b"pytorch" in head[:64]:
        return "ONNX", "a network in ONNX, not its weights; save network.state_dict() with torch.save"
    if head[:1] == b"\x80" and TORCH_MAGIC in head[:40]:
        return "torch", "a file of torch.save"
    if head[:1] == b"\x80" and head[1] in range(2, 6):
        return "pickle", "a pickle of Python, not of torch.save; it is not read, because reading it could run code"
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and length <= 100_000_000:  # as much as the library reads
        return _kind_of_safetensors(path, size, length)
    if not any(head):
        return "zeros", f"nothing but zeros at its beginning ({size} bytes), as a broken download leaves it"
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text[:5].lower() == "<html" or text[:9].lower() == "<!doctype":
        return "page", "a web page (HTML): a download was refused or wanted a click; download it again in a browser"
    if "\ufffd" not in text[:-3] and all(sign.isprintable() or sign in "\t\r\n\f" for sign in text):
        return ("JSON", "a file of JSON") if text[:1] in ("{", "[") else ("text", "a file of text")
    return "unknown", f"of no format known here (it begins with {head[:8]!r})"


def _kind_of_zip(path: Path) -> tuple[str, str]:
    size = path.stat().st_size
    again = f"ends too early ({size} bytes, without the end of its ZIP archive); copy or download it again"
    try:
        if not zipfile.is_zipfile(path):
            return "cut", again
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except Exception as error:  # what is said of a damaged archive depends on where it is damaged
        return "cut", f"is a damaged ZIP archive ({_line(error)}); copy or download it again"
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        return "TorchScript", "a network in TorchScript, not its weights; save network.state_dict() with torch.save"
    if "data.pkl" in last:
        return "torch", "a file of torch.save"
    if any(name.endswith(".npy") for name in names):
        return "NumPy", "an archive of NumPy (.npz)"
    if "workbook.xml" in last:
        return "workbook", "a workbook of Excel; save the sheet as CSV"
    if "model.weights.h5" in last:
        return "HDF5", "a network of Keras; export the weights from there"
    return "compressed", f"a ZIP archive (of {', '.join(names[:3]) or 'nothing'}); unpack it first"


def _kind_of_safetensors(path: Path, size: int, length: int) -> tuple[str, str]:
    with open(path, "rb") as file:
        header = file.read(8 + length)[8:]
    try:
        told = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in told.items() if name != "__metadata__"]
        whole = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        whole = 8 + length  # a damaged header; what is read says more
    if size < whole:
        return "cut", f"ends too early (at byte {size} of {whole}); copy or download it again"
    return "safetensors", "a file of safetensors"


def _altered(path: Path) -> bool:
    """Whether the checksums in the ZIP archive that torch.save writes deny its content; torch does not look at them."""
    wrong = 0
    with open(path, "rb") as file:
        if file.read(4) != b"PK\x03\x04":  # written before version 1.6, without checksums
            return False
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            for entry in entries:
                try:
                    with archive.open(entry) as content:
                        while content.read(1 << 20):
                            pass
                except Exception:  # as above
                    wrong += 1
    # None fits where torch.serialization.set_crc32_options(False) was called before saving.
    return 0 < wrong < len(entries)


def _unreadable(path: Path, why: str) -> ValueError:
    return ValueError(f"{path}: cannot be read as weights: {why}. {WHOLE}")


def _line(error: Exception) -> str:
    """The first line of what an error says, not too long."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _reason(error: Exception) -> str:
    """Why torch.load refused a file that is one of torch.save by its first bytes."""
    said = str(error)
    found = re.search(r"GLOBAL (\S+)", said) or re.search(r"(<(?:class|built-in|function)[^>]*>)", said)
    if found is not None:
        return (
            f"it holds {found[1]}, more than tensors and numbers, and nothing of it was read, because reading such "
            "objects can run code. Where you trust it, read it with the program that wrote it, and save the weights "
            "alone: torch.save(network.state_dict(), FILE)"
        )
    if isinstance(error, EOFError) or "unexpected EOF" in said or "Ran out of input" in said:
        return "it ends too early; copy or download it again"
    return f"it is damaged ({_line(error)}); copy or download it again"


def tensor_metadata(path: str | Path) -> dict[str, str]:
    """The metadata of a file of safetensors, whatever its name; none of a file of ``torch.save``.

    Raises:
        FileNotFoundError, ValueError: as `form_of` does, and for a damaged file.
    """
    from safetensors import SafetensorError, safe_open

    if form_of(path) != "safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _unreadable(Path(path), f"it is damaged ({_line(error)}); copy or download it again") from error


def weights_of(metadata: Mapping[str, str]) -> str:
    """Whose weights a safetensors file of this library holds, as a message says it, from the file's metadata.

    >>> weights_of({"format": "momi-teacher-1"}), weights_of({"momi": '{"format": "momi-rival-1", "method": "pg2"}'})
    ('the weights of a pose teacher', 'the weights of pg2')
    >>> weights_of({})
    'weights that do not say of which network they are'
    """
    try:
        about = {**metadata, **json.loads(metadata.get("momi", "{}"))}
    except (TypeError, ValueError):
        about = dict(metadata)
    kinds = {"momi-teacher": "a pose teacher", "momi-network": "a MomiNet", "momi-features": "a feature network",
             "momi-affinity": "an affinity network (APS)"}  # fmt: skip
    whose = kinds.get(str(about.get("format", "")).rpartition("-")[0]) or about.get("method")
    return f"the weights of {whose}" if whose else "weights that do not say of which network they are"


def read_table(path: str | Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """A table of separated values as spreadsheets write it: its columns, and each row with its line in the file.

    The separator (comma, semicolon or tabulator) is the one that the first line has most of. Byte order marks of
    UTF-8 and UTF-16 are read, and Excel's line ``sep=;``. An empty line is a row without entries.

    Raises:
        ValueError: for bytes that are no UTF-8, a file of another kind, or a quote that is not closed.

    >>> path = Path(tempfile.mkdtemp()) / "pairs.csv"
    >>> _ = path.write_bytes("from;to\\r\\na.jpg;b.jpg\\r\\n".encode("utf-8-sig"))
    >>> read_table(path)
    (['from', 'to'], [(2, ['a.jpg', 'b.jpg'])])
    """
    path = Path(path)
    other = what_is(path, "text", "JSON", "empty")
    if other is not None:
        raise ValueError(f"{path}: expected comma-separated values, and this is {other}.")
    content = path.read_bytes()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        lines = io.StringIO(content.decode("utf-16" if wide else "utf-8-sig"), newline=None)
        told = re.fullmatch(r"sep=(.)\s*", lines.readline())
        if told is None:
            lines.seek(0)
        first, place = lines.readline(), 0 if told is None else 1
        separator = told[1] if told else max(",;\t", key=first.count)
        lines.seek(0)
        if told is not None:
            lines.readline()
        reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
        rows = [(reader.line_num + place, row) for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: expected comma-separated values in UTF-8 ({error}). Save the table as such."
        ) from error
    return (rows[0][1], rows[1:]) if rows else ([], [])


def likest(name: str, names: Iterable[str]) -> str | None:
    """Which of some names is most like a name that is not among them, to show one of each side; None without names.

    That is a file of the same name in another folder, in other letters, or with the separators of Windows; else the
    first of them.

    >>> likest("A.JPG", ["query/b.jpg", "query/a.jpg"])
    'query/a.jpg'
    """
    def last(each: str) -> str:
        return each.replace("\\", "/").rpartition("/")[2].casefold()

    names = list(names)
    return next((each for each in names if last(each) == last(name)), names[0] if names else None)


def expanded(path: str | Path) -> Path:
    """A path whose ~ is a home; ~NAME of a file or folder that is here is that, because pathlib drops the ./ before it.

    Raises:
        FileNotFoundError: for a user or a file that there is not.
        RuntimeError: for ~ where this user has no home.

    >>> expanded("people/~a").as_posix()
    'people/~a'
    """
    path = Path(path)
    first = path.parts[0] if path.parts else ""
    if first[:1] != "~" or first == "~":
        return path.expanduser()
    if os.path.lexists(first):
        return path
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"{path}: there is no {first} here, and no user {first[1:]} with a home") from error


def matching(name: str) -> list[str]:
    """The files and folders that a pattern such as `people/*.jpg` names, in order: on Windows no shell does this.

    What is there under this very name is no pattern, nor is what has none of the signs ``*``, ``?`` and ``[``; hidden
    files are not found. ``**`` stands for a folder and all that are in it.

    Raises:
        FileNotFoundError: where nothing matches.

    >>> folder = Path(tempfile.mkdtemp())
    >>> for each in ("b.jpg", "a.jpg", "a.png"): (folder / each).touch()
    >>> [Path(found).name for found in matching(f"{folder}/*.jpg")], matching("none.jpg")
    (['a.jpg', 'b.jpg'], ['none.jpg'])
    """
    if glob.has_magic(name):
        path = expanded(name)
        there = next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
        pattern = str(path.relative_to(there))
        if glob.has_magic(pattern):
            found = sorted(glob.glob(os.path.join(glob.escape(str(there)), pattern), recursive=True))
            if not found:
                raise FileNotFoundError(f"{name} does not exist, and as a pattern it matches no file")
            return [str(Path(each)) for each in found]
    return [name]


class NotInstalledError(FileNotFoundError):
    """What comes with the repository is not there. A notebook shows the sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"{type(self).__name__}: {self}"]


def project_folder() -> Path:
    """The folder of the repository, with ``data`` and ``benchmarks`` in it: ``$MOMI_HOME``, or the package's own.

    A package that was installed from the repository (``pip install -e .``) lies in it; a wheel holds the code alone.
    """
    given = os.environ.get("MOMI_HOME")
    return Path(os.path.expanduser(given) if given else Path(__file__).resolve().parents[1])


def project_file(name: str) -> Path:
    """A file or folder of the repository, from wherever it is asked for: of a notebook that was copied, too.

    Args:
        name: below the repository's folder, with ``/`` between its parts.

    Raises:
        NotInstalledError: where it is not there, with what to do.

    >>> project_file("data/weights").name
    'weights'
    >>> project_file("data/nothing")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    momi_lib.files.NotInstalledError: data/nothing: not in ...
    """
    path = project_folder() / name
    if not path.exists():
        raise NotInstalledError(f"{name}: not in {project_folder()}{missing_home()}")
    return path


def missing_home(instead: str = "") -> str:
    """What to do where data, weights or results are missing because there is no repository, as the end of a sentence.

    Args:
        instead: what else to do, after an "or".

    Returns:
        "" in the repository itself, where something else is the matter.

    >>> missing_home()
    ''
    """
    if (project_folder() / "data" / "weights").is_dir():
        return ""
    instead = f", or {instead}" if instead else ""
    if os.environ.get("MOMI_HOME"):
        return f"; MOMI_HOME should be the folder of the repository, which has data and benchmarks in it{instead}"
    return (
        "; the installed package holds the code alone: get the repository and set MOMI_HOME (an environment variable) "
        f"to its folder{instead}"
    )


def weights_folder() -> Path:
    """``$MOMI_WEIGHTS``, or ``data/weights`` of the repository."""
    given = os.environ.get("MOMI_WEIGHTS")
    return Path(os.path.expanduser(given)) if given else project_folder() / "data" / "weights"


def missing_weights(path: str | Path, otherwise: str) -> str:
    """As :func:`missing_home`, for a file of weights, the end of a sentence that says that it is not there.

    Args:
        path: the file.
        otherwise: what to do in the repository, and where the file is not one that comes with it.

    >>> missing_weights("runs/a.safetensors", "train them again")
    '; train them again'
    """
    return (missing_weights_folder() if Path(path).parent == weights_folder() else "") or f"; {otherwise}"


def missing_weights_folder() -> str:
    """As :func:`missing_home`, for the folder of weights that $MOMI_WEIGHTS names, or else the repository's.

    >>> missing_weights_folder()
    ''
    """
    if not os.environ.get("MOMI_WEIGHTS"):
        return missing_home("set MOMI_WEIGHTS to a folder with them")
    folder = weights_folder()
    if folder.is_dir():
        return ""
    wrong = f"{folder}, which is no folder" if folder.exists() else f"the folder {folder}, which does not exist"
    return f"; MOMI_WEIGHTS (an environment variable) names {wrong}: set it to a folder with weights, or unset it"
