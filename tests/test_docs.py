"""What the documents name is there: links, files, commands, options."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from PIL import Image

from kiosk.__main__ import cli
from kiosk.sandbox.faults import NAMES as FAULTS
from tests.strip import COLUMNS, GAP, SCREEN, strip

ROOT = Path(__file__).parent.parent
LARGEST_PICTURE = 400 * 1024


def tracked() -> list[Path]:
    """Files in git, and those that will be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


TRACKED = tracked()
DOCUMENTS = [file for file in TRACKED if file.suffix == ".md"]


def _relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(file: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(file.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(text: str) -> Iterator[str]:
    """Lines of shell blocks, and spans of code in prose; blocks of no language are pictures."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", _prose(text))


def _commands(text: str) -> Iterator[list[str]]:
    """Each ``kiosk ...``, ``./run ...`` and ``python -m ...``, without comment and redirection."""
    for line in _code(text):
        line = re.split(r"\s+#|\s[|>&]|;", line.strip().removeprefix("$ "))[0]
        for start in ("kiosk ", "./run ", "python -m "):
            if line.startswith(start):
                yield line.split()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_relative)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(document.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), target
        assert file == ROOT or ROOT in file.parents, f"{target} leaves the repository"
        if anchor:
            assert anchor in _anchors(file), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=_relative)
def test_files_that_are_named_exist(document: Path) -> None:
    """``XX.toml`` stands for any."""
    packages = r"(?:ui|kiosk|drivers|certify|offline_queue|config|docs|tests)"
    for span in re.findall(r"`([^`\n]+)`", _prose(document.read_text("utf-8"))):
        if re.fullmatch(packages + r"/[\w./-]*", span) and not re.search(r"\b[A-Z]+\.", span):
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("document", DOCUMENTS, ids=_relative)
def test_commands_and_options_exist(document: Path) -> None:
    for program, *words in _commands(document.read_text("utf-8")):
        if program == "kiosk":
            _check_kiosk(words)
        elif program == "python":
            assert find_spec(words[1]), words
        elif words[0] == "kiosk":
            _check_kiosk(words[1:])
        else:
            assert words[0] in _run_commands(), words
            if words[0] == "demo":
                _check_kiosk(words)


def _run_commands() -> set[str]:
    script = (ROOT / "run").read_text("utf-8").partition('case "$command"')[2]
    return set(re.findall(r"^ +(\w+)\)", script, re.MULTILINE))


def _check_kiosk(words: list[str]) -> None:
    """``words`` after ``kiosk``. Capitals stand for something; brackets and bars are syntax."""
    command: click.Command = cli
    is_value = False
    for position, word in enumerate(words):
        word = word.strip("[],.")
        if word == "COMMAND":
            return
        if is_value:
            is_value = False
            continue
        if isinstance(command, click.Group) and word and not word.startswith("-"):
            assert all(choice in command.commands for choice in word.split("|")), words
            command = command.commands[word.split("|")[0]]
        elif word.startswith("--") and word != "--help":
            options = {name: option for option in command.params for name in option.opts}
            assert word in options, words
            _check_value(options[word], words[position + 1 :])
            is_value = isinstance(options[word], click.Option) and not options[word].is_flag


def _check_value(option: click.Parameter, following: list[str]) -> None:
    if not following or following[0].strip("]").isupper():
        return
    value = following[0].strip("]")
    if isinstance(option.type, click.Choice):
        assert value in option.type.choices, (option.name, value)
    if option.name == "faults" and value != "WHAT=HOW":
        assert value in FAULTS, value


def test_the_readme_names_every_command() -> None:
    named = {words[1] for words in _commands(_readme()) if words[0] == "kiosk"}
    assert set(cli.commands) <= named


def test_the_readme_names_every_command_of_run() -> None:
    named = {words[1] for words in _commands(_readme()) if words[0] == "./run"}
    assert {"demo", "test", "check", "bench"} <= named


def _readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_pictures_are_light() -> None:
    pictures = list((ROOT / "docs/images").iterdir())
    assert pictures
    assert all(picture.stat().st_size <= LARGEST_PICTURE for picture in pictures)


def test_the_strip_shows_every_screen_and_the_receipt(tmp_path: Path) -> None:
    (tmp_path / "screens").mkdir()
    with pytest.raises(FileNotFoundError):
        strip(tmp_path)
    for number in range(7):
        Image.new("RGB", (1080, 1920), "red").save(tmp_path / "screens" / f"{number:02}-x.png")
    Image.new("1", (640, 1000)).save(tmp_path / "receipt.png")
    picture = strip(tmp_path)
    assert picture.width == COLUMNS * SCREEN[0] + (COLUMNS - 1) * GAP
    assert picture.height == 2 * SCREEN[1] + GAP
    middles = [((SCREEN[0] + GAP) * x + SCREEN[0] // 2, SCREEN[1] // 2 + y) for x, y in (
        (5, 0), (0, SCREEN[1] + GAP), (1, SCREEN[1] + GAP), (2, SCREEN[1] + GAP)
    )]  # fmt: skip
    seen = [picture.convert("RGB").getpixel(middle) for middle in middles]
    assert seen == [(255, 0, 0), (255, 0, 0), (0, 0, 0), (255, 255, 255)]


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text("utf-8")
    records = [file.name for file in folder.glob("[0-9]*.md")]
    assert len(records) > 5
    assert {name for name in records if f"]({name})" not in index} == set()


# Spelt in pieces, so that this file does not find itself.
ELSEWHERE = re.compile(
    "|".join(
        [
            r"pypi\.org/" + "simple",
            r"files\." + "pythonhosted",
            r"registry\." + "npmjs",
            r"proxy\." + "golang",
            r"--(extra-)?index" + "-url[= ]",
            r"(?<![\w./<}])/" + r"(work|root|home/[a-z])\b",
            r"\.\./" + "shared",
            r"\b(DESIGN|FACTS|DOMAIN|LOOK)" + r"\.md",
        ]
    )
)


def test_no_file_names_a_package_host_or_a_place_on_one_machine() -> None:
    found = {}
    for file in TRACKED:
        try:
            hits = ELSEWHERE.search(file.read_text("utf-8"))
        except UnicodeDecodeError:
            continue  # a picture
        if hits:
            found[_relative(file)] = hits[0]
    assert found == {}


def test_the_lock_holds_names_versions_and_hashes_only() -> None:
    """So it says nothing about where packages come from, and plain pip can install it."""
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), (
            line
        )


def test_the_lock_takes_dlib_as_a_wheel() -> None:
    """The package called dlib is source only and compiles for many minutes."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert re.search(r"^dlib-bin==", lock, re.MULTILINE)
    assert not re.search(r"^dlib==", lock, re.MULTILINE)
