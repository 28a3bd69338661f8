"""The published vectors hold in Python and in a browser, whose page checks seals by itself."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from certify import cose, trust
from certify.verify import _words
from tests.certify import seal_vectors
from tests.kiosk.portal.browser.driver import Browser, Driver

PAGE = Path(str(resources.files("certify") / "seal.html"))
PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "docs" / "seal-vectors.json").read_text("utf-8")
)
CASES = {case["name"]: case for case in PUBLISHED["cases"]}
IN_BROWSER = """
const [seal, bundle, anchor, at] = arguments;
return judge(seal, fromBase64(bundle), anchor, new Date(at));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = Driver()
    try:
        with Browser(driver, tmp_path_factory.mktemp("seal"), width=1024, height=900) as browser:
            yield browser
    finally:
        driver.close()


@pytest.fixture
def page(browser: Browser) -> Browser:
    """From the disk, as somebody without any network opens it."""
    browser.open(PAGE.as_uri())
    return browser


def filled(page: Browser, **fields: str) -> None:
    page.run(
        "for (const [id, text] of Object.entries(arguments[0])) field(id).value = text", fields
    )


def test_the_published_vectors_are_what_the_command_makes() -> None:
    made = seal_vectors.vectors()
    assert {key: PUBLISHED[key] for key in made} == made
    assert "PRIVATE" not in json.dumps(PUBLISHED)


@pytest.mark.parametrize("name", CASES)
def test_a_vector_in_python(name: str) -> None:
    case = CASES[name]
    verdict = seal_vectors.judged(case["seal"], **PUBLISHED["bundles"][case["bundle"]])
    assert verdict == {key: case[key] for key in ("code", "vi", "en", "claims")}


def test_the_vectors_show_every_verdict() -> None:
    codes = {case["code"].rpartition(".")[2] for case in CASES.values()}
    assert codes == set(json.loads(words_of_page()))


def test_all_vectors_in_a_browser(page: Browser) -> None:
    for case in CASES.values():
        trusted = PUBLISHED["bundles"][case["bundle"]]
        verdict = page.run(
            IN_BROWSER, case["seal"], trusted["bundle"], trusted["anchor"], "2026-03-02T02:30:00Z"
        )
        said = (verdict["code"], verdict["sentence_vi"], verdict["sentence_en"])
        assert said == (case["code"], case["vi"], case["en"]), case["name"]
        assert same_claims(verdict["seal"], case["claims"]), case["name"]


def same_claims(seal: dict[str, Any] | None, claims: dict[str, Any] | None) -> bool:
    if not seal or not claims:
        return seal is claims
    # The page leaves times as numbers; the sentences show them.
    return all(seal[key] == claims[key] for key in set(claims) - {"issued", "inspect_by"})


def test_every_changed_byte_of_a_seal_is_refused(page: Browser) -> None:
    case = PUBLISHED["cases"][0]
    trusted = PUBLISHED["bundles"]["good"]
    script = """
    const [seal, bundle, anchor, at] = arguments, accepted = [];
    return (async () => {
      for (let place = 0; place < seal.length; place++) {
        const other = seal[place] === 'A' ? 'B' : 'A';
        const changed = seal.slice(0, place) + other + seal.slice(place + 1);
        const verdict = await judge(changed, fromBase64(bundle), anchor, new Date(at));
        if (verdict.ok) accepted.push(place);
      }
      return accepted;
    })();
    """
    at = "2026-03-02T02:30:00Z"
    assert page.run(script, case["seal"], trusted["bundle"], trusted["anchor"], at) == []


def test_a_person_pastes_everything_and_reads_the_answer(page: Browser) -> None:
    case = CASES["genuine, before signing checked by an officer"]
    filled(page, **PUBLISHED["bundles"]["good"])
    page.run("field('seal').focus()")
    page.type(case["seal"])
    page.touch("form > button")
    page.wait_for(case["vi"])
    page.wait_for("UBND xã Mây Trắng")
    filled(page, seal=CASES["altered"]["seal"])
    page.touch("form > button")
    page.wait_for(CASES["altered"]["vi"])
    assert page.run("return field('facts').childElementCount") == 0


def test_without_a_bundle_nothing_is_concluded(page: Browser) -> None:
    filled(page, seal=PUBLISHED["cases"][0]["seal"], bundle="", anchor="")
    page.touch("form > button")
    page.wait_for("chưa thể kết luận")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The page beside a bundle, as an agency would put them on its site."""
    trusted = PUBLISHED["bundles"]["good"]
    (tmp_path / "seal.html").write_bytes(PAGE.read_bytes())
    (tmp_path / "bundle.cose").write_bytes(base64.b64decode(trusted["bundle"]))
    (tmp_path / "anchor.pem").write_text(trusted["anchor"])
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/seal.html"
        server.shutdown()
        thread.join()


def test_a_bundle_is_fetched_and_its_anchor_shown(browser: Browser, site: str) -> None:
    browser.open(site)
    browser.touch("summary")
    browser.touch("#fetch")
    browser.wait_for(fingerprint(PUBLISHED["bundles"]["good"]["anchor"]))
    filled(browser, seal=PUBLISHED["cases"][0]["seal"])
    browser.touch("form > button")
    browser.wait_for(PUBLISHED["cases"][0]["vi"])


def fingerprint(anchor: str) -> str:
    return cose.sha256(cose.encode_public(trust.load_anchor(anchor))).hex()


def words_of_page() -> str:
    start = '<script type="application/json" id="words">'
    return PAGE.read_text("utf-8").partition(start)[2].partition("</script>")[0]


def test_the_page_speaks_the_words_of_the_verifier() -> None:
    said = _words()["refusal"] | _words()["seal"]
    for key, words in json.loads(words_of_page()).items():
        assert words == said[key], key


def test_the_page_is_one_file() -> None:
    text = PAGE.read_text("utf-8")
    assert not any(mark in text for mark in (" src=", "<link", "@import", "url(", "http:"))
