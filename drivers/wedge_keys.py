"""What a keyboard wedge typed: key codes of evdev to text, by the US layout.

Beyond the layout a reader has three ways to type a letter, and each is understood: Alt with
decimal digits of the keypad (``0nnn`` up to 0255 is code page 1252, ``nnn`` up to 255 code page
437, anything above a Unicode code point), Alt with keypad plus and hexadecimal digits, and Ctrl
Shift U with hexadecimal digits, as ISO 14755 and GTK have it. Ctrl with a letter is a control
character. Any other key would be a letter that nobody knows: the payload is garbled then.

Source of the codes: linux/input-event-codes.h. Which of the ways a reader uses is a setting of the
reader, named differently by each maker.
"""

from __future__ import annotations

from collections.abc import Iterator

_LEFT_CTRL, _RIGHT_CTRL, _LEFT_SHIFT, _RIGHT_SHIFT = 29, 97, 42, 54
_LEFT_ALT, _RIGHT_ALT, _LEFT_META, _RIGHT_META = 56, 100, 125, 126
_CTRL, _SHIFT = {_LEFT_CTRL, _RIGHT_CTRL}, {_LEFT_SHIFT, _RIGHT_SHIFT}
_UNKNOWN_WITH = {_RIGHT_ALT, _LEFT_META, _RIGHT_META}
_MODIFIERS = _CTRL | _SHIFT | _UNKNOWN_WITH | {_LEFT_ALT}
_CAPS_LOCK, _NUM_LOCK, _SCROLL_LOCK = 58, 69, 70
_KEY_U, _SPACE, _ENTER, _KEYPAD_ENTER = 22, 57, 28, 96
_LONGEST_CODE = 8

_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
_KEYPAD = {
    71: "7", 72: "8", 73: "9", 74: "-", 75: "4", 76: "5", 77: "6", 78: "+", 79: "1", 80: "2",
    81: "3", 82: "0", 83: ".", 55: "*", 98: "/", _KEYPAD_ENTER: "\r",
}  # fmt: skip
_ALONE = {15: "\t", _ENTER: "\r", _SPACE: " ", **_KEYPAD}


def _layout() -> Iterator[tuple[int, tuple[str, str]]]:
    for first, plain, shifted in _ROWS:
        yield from enumerate(zip(plain, shifted, strict=True), first)
    for code, character in _ALONE.items():
        yield code, (character, character)


US = dict(_layout())
"""Key code to what it types without and with shift."""


class GarbledKeysError(ValueError):
    """A key of which nobody can say what it means. Never says which: it is part of a payload."""


class KeyDecoder:
    """Keys go down and up; text comes out. One keyboard."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._caps = False
        self._alt: str | None = None  # typed on the keypad while Alt is held
        self._hex: str | None = None  # typed after Ctrl Shift U

    def release_all(self) -> None:
        """Whatever was held is not any more."""
        self._held.clear()
        self._alt = self._hex = None

    def down(self, code: int) -> str:
        """Raises GarbledKeysError."""
        if code in _MODIFIERS:
            self._held.add(code)
            if code == _LEFT_ALT:
                self._alt = ""
            return ""
        if code in (_NUM_LOCK, _SCROLL_LOCK):
            return ""
        if code == _CAPS_LOCK:
            self._caps = not self._caps
            return ""
        if self._alt is not None:
            self._alt = _longer(self._alt, self._alt_digit(code))
            return ""
        if self._hex is not None:
            return self._hex_key(code)
        return self._typed(code)

    def up(self, code: int) -> str:
        """Raises GarbledKeysError."""
        self._held.discard(code)
        if code == _LEFT_ALT and self._alt is not None:
            digits, self._alt = self._alt, None
            return _by_alt(digits) if digits else ""
        if self._hex and code in _CTRL | _SHIFT and not self._held & (_CTRL | _SHIFT):
            return self._end_hex()
        return ""

    def _alt_digit(self, code: int) -> str:
        digit = _KEYPAD.get(code, "")
        if digit.isdigit() or (digit == "+" and not self._alt):
            return digit
        letter = US.get(code, ("", ""))[0]
        if self._alt and self._alt.startswith("+") and letter in tuple("0123456789abcdef"):
            return letter
        raise GarbledKeysError("a key with Alt")

    def _hex_key(self, code: int) -> str:
        if code in (_SPACE, _ENTER, _KEYPAD_ENTER):
            return self._end_hex()
        digit = US.get(code, ("", ""))[0]
        if digit not in tuple("0123456789abcdef"):
            self._hex = None
            raise GarbledKeysError("a key in a code point")
        self._hex = _longer(self._hex or "", digit)
        return ""

    def _end_hex(self) -> str:
        digits, self._hex = self._hex, None
        return _character(int(digits or "0", 16))

    def _typed(self, code: int) -> str:
        if code not in US or self._held & _UNKNOWN_WITH:
            raise GarbledKeysError("a key that types nothing")
        plain, shifted = US[code]
        shift = bool(self._held & _SHIFT)
        if not self._held & _CTRL:
            return shifted if shift != (self._caps and plain.isalpha()) else plain
        if code == _KEY_U and shift:
            self._hex = ""
            return ""
        return _control(shifted if shift or plain.isalpha() else plain)


def _control(character: str) -> str:
    """As terminals have it: Ctrl A is 1, Ctrl [ is 27."""
    if not "@" <= character <= "_":
        raise GarbledKeysError("a key with Ctrl")
    return chr(ord(character) & 0x1F)


def _longer(digits: str, digit: str) -> str:
    if len(digits) >= _LONGEST_CODE:
        raise GarbledKeysError("a code of too many digits")
    return digits + digit


def _by_alt(digits: str) -> str:
    if digits.startswith("+"):
        return _character(int(digits[1:] or "0", 16))
    number = int(digits)
    if number > 0xFF:
        return _character(number)
    try:
        return bytes([number]).decode("cp1252" if digits.startswith("0") else "cp437")
    except UnicodeDecodeError:
        raise GarbledKeysError("no character of the code page") from None


def _character(number: int) -> str:
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        raise GarbledKeysError("no code point")
    return chr(number)
