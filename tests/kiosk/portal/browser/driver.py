"""A headless Chromium, spoken to by W3C WebDriver: JSON over HTTP to Debian's chromedriver."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import requests

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
)  # fmt: skip
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Down": "\ue015", "Space": " "}


class Driver:
    """The process ``chromedriver``; ends its browsers with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.address = f"http://127.0.0.1:{found[1]}"
                return
        raise RuntimeError("chromedriver did not start")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Browser:
    """One empty profile. ``phone``: width of a phone's screen in CSS pixels, with touch."""

    def __init__(
        self, driver: Driver, profile: Path, *, width: int, height: int, phone: bool = False
    ) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        options: dict[str, Any] = {
            "args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        }
        if phone:
            metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options}
        made = self._send(
            "POST", f"{driver.address}/session", {"capabilities": {"alwaysMatch": wanted}}
        )
        self._base = f"{driver.address}/session/{made['sessionId']}"
        self._send("POST", f"{self._base}/timeouts", {"implicit": 5000, "pageLoad": 20000})

    def close(self) -> None:
        self._send("DELETE", self._base)
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, url: str) -> None:
        self._send("POST", f"{self._base}/url", {"url": url})

    @property
    def url(self) -> str:
        return str(self._send("GET", f"{self._base}/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self._send(
            "POST", f"{self._base}/execute/sync", {"script": script, "args": list(arguments)}
        )

    def text(self) -> str:
        return str(self.run("return document.body?.innerText ?? ''"))

    def press(self, *keys: str) -> None:
        """Real key events to whatever has the focus; names as in KEYS, or letters."""
        actions = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._send("POST", f"{self._base}/actions", {"actions": [source]})

    def type(self, text: str) -> None:
        self.press(*text)

    def touch(self, css: str) -> None:
        found = self._send("POST", f"{self._base}/element", {"using": "css selector", "value": css})
        (element,) = found.values()
        self._send("POST", f"{self._base}/element/{element}/click", {})

    def set_cookie(self, name: str, value: str) -> None:
        """For the site that is open."""
        cookie = {"name": name, "value": value, "httpOnly": True, "sameSite": "Strict"}
        self._send("POST", f"{self._base}/cookie", {"cookie": cookie})

    def wait_for(self, text: str) -> None:
        """Until the page shows ``text``, at most 10 s. A page that is being left shows nothing."""
        end, shown = time.monotonic() + 10, ""
        while text not in shown:
            assert time.monotonic() < end, f"{text!r} is not in: {shown}"
            try:
                shown = self.text()
            except AssertionError:
                shown = ""

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._send("GET", f"{self._base}/screenshot")))

    def _send(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, url, json=body, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, value
        return value
