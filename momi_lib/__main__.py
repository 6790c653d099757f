"""``python -m momi_lib COMMAND``: the command line, made by tyro from the config dataclasses."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAM = "python -m momi_lib"
#: What pathlib says of a ~ where there is neither $HOME nor an entry of the user.
NO_HOME = "Could not determine home directory."
#: Packages whose versions `info` says before anything else is looked at.
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "safetensors", "accelerate", "tyro")


class Stream:
    """Standard output or error, to which writing never ends a command.

    Letters that a console's code page lacks become question marks. A pipe that nobody reads any more (``… | head``) is
    no error; any other failure, as of a full disk under a redirected output, is kept in ``failed`` and said at the end.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.failed: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write ``text``."""
        try:
            self.stream.write(text)
        except UnicodeEncodeError:
            known = getattr(self.stream, "encoding", None) or "ascii"
            self.write(text.encode(known, "replace").decode(known))
        except OSError as error:
            self._give_up(error)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write every one of ``lines``."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is waiting."""
        try:
            self.stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Let this stream lead nowhere from now on, so that what is waiting cannot fail again."""
        # On Windows a closed pipe is an invalid argument.
        if error.errno not in (errno.EPIPE, errno.ESHUTDOWN) and not (os.name == "nt" and error.errno == errno.EINVAL):
            self.failed = self.failed or error
        with suppress(OSError, ValueError, AttributeError):  # a stream without a file, as in a notebook
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


@contextmanager
def patient_streams() -> Iterator[Stream]:
    """Replace ``sys.stdout`` and ``sys.stderr`` by :class:`Stream` for the time of a command; yields the first."""
    before = sys.stdout, sys.stderr
    # A program that was started with a closed output (`>&-`, pythonw) has none; its number must not go to a data file.
    both = [Stream(open(os.devnull, "w", encoding="utf-8") if each is None else each) for each in before]
    sys.stdout, sys.stderr = both  # type: ignore[assignment]
    try:
        yield both[0]
    finally:
        for stream in both:
            stream.flush()
        if None not in before:
            sys.stdout, sys.stderr = before


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. A user's mistake is answered by one sentence, not a traceback.

    The status is 0 for success, 1 for an error, 2 for a command or an option that cannot be, and 128 and the signal's
    number for a command that a signal ended.
    """
    with patient_streams() as out:
        try:
            with _terminable():
                status = _run((sys.argv[1:] if arguments is None else arguments) or ["--help"])
        except KeyboardInterrupt as stopped:
            print(f"interrupted: {stopped}" if str(stopped) else "interrupted", file=sys.stderr)
            status = 128 + getattr(stopped, "signal", signal.SIGINT)
        except SystemExit as stopped:  # tyro's, after a help text (0) or options that it does not know (2)
            out.flush()
            if out.failed is None or stopped.code:
                raise
            status = 0
        out.flush()
        if out.failed is not None and not status:
            print(f"error: the standard output cannot be written ({out.failed.strerror})", file=sys.stderr)
            status = 1
    return status


def _run(arguments: list[str]) -> int:
    name, *options = arguments
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if name == "info" and not {"-h", "--help"} & set(options):
        _say_versions()  # first of all, because it is asked for where something is wrong
    try:
        import tyro

        from momi_lib.commands import COMMANDS
    except ModuleNotFoundError as error:
        if (error.name or "momi_lib").partition(".")[0] == "momi_lib":
            raise
        print(f"error: the package {error.name} is missing; install momi_lib with what it needs, `pip install -e .` in "
              "its folder", file=sys.stderr)  # fmt: skip
        return 1
    except (ImportError, OSError, RuntimeError) as error:
        return _say_broken(error)

    if name not in COMMANDS:
        # tyro parses what follows the first word: its unions of commands cannot hold one with presets of its own.
        print(f"usage: {PROGRAM} COMMAND [--help]\n\nMove a person into another person's pose (MOMI-Net).\n")
        for known, command in COMMANDS.items():
            print(f"  {known:<16}{(command.__doc__ or '').partition(chr(10))[0]}")
        if name in ("-h", "--help"):
            return 0
        print(f"\nerror: expected one of these commands, got {name!r}", file=sys.stderr)
        return 2
    if wrong := _wrong_at_once(options):
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    try:
        tyro.cli(COMMANDS[name], args=_with_home(options), prog=f"{PROGRAM} {name}")
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        if _raised_here(error):
            print(f"error: {error}", file=sys.stderr)
            return 1
        return _say_broken(error)
    except MemoryError as error:
        print(f"error: the memory is used up ({error or 'nothing is left'}); take fewer at a time", file=sys.stderr)
        return 1
    except (ValueError, OSError, RuntimeError) as error:
        if str(error) == NO_HOME:
            print("error: a path begins with ~, and this user has no home; give it without ~", file=sys.stderr)
            return 1
        if type(error) is RuntimeError and not _raised_here(error):
            raise  # no user's mistake: what PyTorch says of itself needs its traceback
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _wrong_at_once(options: list[str]) -> str:
    """What no option of any command can be, in one sentence, and nothing for a command line without it.

    A path cannot say it itself: to Python, empty text is the folder in which it runs.
    """
    before = ""
    for each in options:
        option, equals, value = each.partition("=") if each.startswith("--") else (before, "=", each)
        if equals and not value:
            which = f"{option}: expected a value" if option.startswith("--") else "expected a value for each argument"
            return f"{which}, got empty text; write what is meant, as . for this folder"
        if option == "--device" and value.startswith("cuda"):
            from momi_lib.devices import CUDA, DEVICES

            return f"--device: expected one of {', '.join(DEVICES)}, got {value!r}; {CUDA}, and is the default"
        before = each if each.startswith("--") and not equals else before
    return ""


def _with_home(options: list[str]) -> list[str]:
    """Options with this user's home instead of ~: no shell puts it behind an =, and that of Windows nowhere."""
    found = []
    for each in options:
        option, equals, value = each.partition("=") if each.startswith("--") else ("", "", each)
        at_home = value == "~" or value.startswith(("~/", "~\\"))
        found.append(f"{option}{equals}{Path(value).expanduser()}" if at_home else each)
    return found


def _say_broken(error: BaseException) -> int:
    """A package that is there but does not fit the others, such as torchvision of another PyTorch."""
    print(f"error: an installed package cannot be loaded ({error}); install PyTorch and torchvision together once "
          "more: pip install --force-reinstall torch torchvision", file=sys.stderr)  # fmt: skip
    return 1


def _say_versions() -> None:
    """Log the versions of Python and of :data:`PACKAGES` without importing one of them."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from momi_lib import __version__

    found = {"Python": platform.python_version(), "momi_lib": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    log = logging.getLogger("momi_lib")
    log.info("%s", ", ".join(f"{package} {number}" for package, number in found.items()))
    log.info("%s, %s", platform.platform(), sys.executable)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a SIGTERM, as schedulers send it, end a command like a Ctrl-C: no temporary file and no lock is left."""

    def end(number: int, frame: Any) -> None:
        stopped = KeyboardInterrupt()
        stopped.signal = number  # type: ignore[attr-defined]
        raise stopped

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raised_here(error: BaseException) -> bool:
    """Whether a function of this package raised it, and not one that it called."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parent)


if __name__ == "__main__":
    sys.exit(main())
