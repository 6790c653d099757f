"""Lines of a notebook that a strict comparison leaves out: what was measured here, and what the reader predicted.

`pytest --nbval` compares everything that a cell shows but pictures; the repository's ``conftest.py`` leaves out outputs
of the kind ``text/latex``, too. JupyterLab, Notebook, VS Code, GitHub and nbconvert show such an output as text. So a
number that differs between machines is shown in that form, beside a sentence that is the same everywhere.
"""

from __future__ import annotations

from typing import Any

__all__ = ["KIND", "aside"]

#: The kind of these outputs.
KIND = "text/latex"


def aside(text: str, name: str | None = None) -> None:
    """Show one line that strict comparison leaves out; outside a notebook it is printed.

    Args:
        text: the line. It is shown as it is: dollar signs do not start a formula.
        name: of the line, so that a later call with the same name replaces it where it stands.

    >>> aside("measured 0.31")
    measured 0.31
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(text)
        return
    data: dict[str, Any] = {KIND: text.replace("$", r"\$")}
    if name is None:
        display(data, raw=True)
    else:
        display(data, raw=True, display_id=name)


def replace(text: str, name: str) -> None:
    """Replace the line that :func:`aside` showed under a name; outside a notebook it is printed."""
    from IPython import get_ipython
    from IPython.display import update_display

    if get_ipython() is None:
        print(text)
    else:
        update_display({KIND: text.replace("$", r"\$")}, display_id=name, raw=True)
