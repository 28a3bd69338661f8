"""How a reader types a text: the keys of each character, by a US layout written down anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Key = tuple[int, int]

ENTER, TAB, CAPS = 28, 15, 58
CTRL, SHIFT, ALT, U, SPACE = 29, 42, 56, 22, 57
LETTERS = dict(zip("qwertyuiop", range(16, 26), strict=True))
LETTERS |= dict(zip("asdfghjkl", range(30, 39), strict=True))
LETTERS |= dict(zip("zxcvbnm", range(44, 51), strict=True))
PLAIN = LETTERS | dict(zip("1234567890", range(2, 12), strict=True))
PLAIN |= {"-": 12, "=": 13, "[": 26, "]": 27, ";": 39, "'": 40, "`": 41, "\\": 43}
PLAIN |= {",": 51, ".": 52, "/": 53, " ": SPACE, "\r": ENTER, "\t": TAB}
SHIFTED = {letter.upper(): code for letter, code in LETTERS.items()}
SHIFTED |= dict(zip("!@#$%^&*()", range(2, 12), strict=True))
SHIFTED |= {"_": 12, "+": 13, "{": 26, "}": 27, ":": 39, '"': 40, "~": 41, "|": 43}
SHIFTED |= {"<": 51, ">": 52, "?": 53}
KEYPAD = {"7": 71, "8": 72, "9": 73, "4": 75, "5": 76, "6": 77, "+": 78}
KEYPAD |= {"1": 79, "2": 80, "3": 81, "0": 82}

Beyond = Callable[[str], list[Key]]


def tap(code: int) -> list[Key]:
    return [(code, 1), (code, 0)]


def held(modifier: int, *codes: int) -> list[Key]:
    return [(modifier, 1), *(key for code in codes for key in tap(code)), (modifier, 0)]


def by_alt_decimal(character: str) -> list[Key]:
    """Code page 1252 with a leading zero where it has the character, else its code point."""
    try:
        digits = f"0{character.encode('cp1252')[0]}"
    except UnicodeEncodeError:
        digits = str(ord(character))
    return held(ALT, *(KEYPAD[digit] for digit in digits))


def by_alt_hex(character: str) -> list[Key]:
    digits = [KEYPAD.get(digit) or PLAIN[digit] for digit in f"{ord(character):x}"]
    return held(ALT, KEYPAD["+"], *digits)


def by_ctrl_shift_u(character: str) -> list[Key]:
    digits = [key for digit in f"{ord(character):x}" for key in tap(PLAIN[digit])]
    return [(CTRL, 1), (SHIFT, 1), *tap(U), *digits, (SHIFT, 0), (CTRL, 0)]


def by_ctrl_shift_u_and_space(character: str) -> list[Key]:
    digits = [key for digit in f"{ord(character):x}" for key in tap(PLAIN[digit])]
    return [(CTRL, 1), (SHIFT, 1), *tap(U), (SHIFT, 0), (CTRL, 0), *digits, *tap(SPACE)]


WAYS: tuple[Beyond, ...] = (
    by_alt_decimal,
    by_alt_hex,
    by_ctrl_shift_u,
    by_ctrl_shift_u_and_space,
)


def keys(text: str, beyond: Beyond = by_alt_decimal) -> Iterator[Key]:
    for character in text:
        if character in PLAIN:
            yield from tap(PLAIN[character])
        elif character in SHIFTED:
            yield from held(SHIFT, SHIFTED[character])
        else:
            yield from beyond(character)
