"""Licences of all that we depend on: ``python -m tests.licences`` prints docs/decisions' table.

Facts come from what each installed package says of itself: ``License-Expression`` (PEP 639), else
the classifiers, else ``License``. What a package says badly or not at all is read from its licence
file once by a person and written down in ``READ_BY_HAND``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent

ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC",
        "LGPL-2.1-or-later", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "OFL-1.1",
        "PSF-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""SPDX ids that may be used without asking. LGPL: an unchanged package of its own, linked when it
is loaded, which anybody can replace. GPL and AGPL are not here, and nothing is excepted."""

READ_BY_HAND = {
    "apsw": ("Zlib", "says any-OSI; its LICENSE is the zlib licence, SQLite is public domain"),
    "pypdfium2": ("BSD-3-Clause AND Apache-2.0", "lists them with a comma; PDFium's parts too"),
    "pyscard": ("LGPL-2.1-or-later", "says LGPLv2+; its files say 2.1 or any later"),
    "python-sane": ("HPND", "says nothing; its COPYING is the permissive notice of HPND"),
    "pytest-timeout": ("MIT", "adds the classifier DFSG approved"),
    "qrcode": ("BSD-3-Clause AND MIT", "adds Other/Proprietary; its LICENSE is BSD, partly MIT"),
}  # fmt: skip

_SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Boost Software License": "BSL-1.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_CLASSIFIER = "License :: OSI Approved :: "


def locked() -> list[str]:
    """Names in requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if re.match(r"[a-z0-9]", line)]


def licence_of(name: str) -> str:
    """An SPDX expression, or the package's own words when they are no such thing.

    Raises PackageNotFoundError.
    """
    said = distribution(name).metadata
    if name in READ_BY_HAND:
        return READ_BY_HAND[name][0]
    for expression in said.get_all("License-Expression") or []:
        return str(expression)
    classifiers = said.get_all("Classifier") or []
    named = [c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER)]
    words = named or [str(text).strip() for text in said.get_all("License") or []]
    return " AND ".join(_SPELLINGS.get(word, word) for word in words)


def is_allowed(expression: str) -> bool:
    """All of an AND, one of an OR; AND binds closer (SPDX annex D). Brackets are not understood."""
    return any(
        all(term.strip() in ALLOWED for term in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def used_for() -> dict[str, str]:
    """Direct dependencies in pyproject.toml: the appliance, the portal, or development only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {"kiosk": project["dependencies"], "portal": extras["portal"], "dev": extras["dev"]}
    # What the appliance needs stays its own when tests want an extra of it.
    wanted = dict(reversed(wanted.items()))
    return {_name(entry): place for place, entries in wanted.items() for entry in entries}


def table() -> Iterator[str]:
    """Markdown. Versions are the lock's business; a line changes when a licence does."""
    places = used_for()
    yield "| package | licence | used by |"
    yield "|---|---|---|"
    for name in locked():
        yield f"| {name} | {licence_of(name)} | {places.get(name, '(of another)')} |"


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


if __name__ == "__main__":
    try:
        print("\n".join(table()))
    except PackageNotFoundError as error:
        raise SystemExit(f"{error}: run ./run check once, it installs the lock") from None
