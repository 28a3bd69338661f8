.pragma library

// Stroke paths on a 48 grid, drawn with round ends by Icon.qml.
var disc = "M24 5 A19 19 0 1 0 24 43 A19 19 0 1 0 24 5 ";

var paths = {
    right: "M8 24 H40 M27 11 L40 24 L27 37",
    left: "M40 24 H8 M21 11 L8 24 L21 37",
    chevron: "M18 10 L32 24 L18 38",
    down: "M24 8 V40 M11 27 L24 40 L37 27",
    check: "M8 25 L19 36 L40 12",
    close: "M11 11 L37 37 M37 11 L11 37",
    plus: "M24 9 V39 M9 24 H39",
    globe: disc + "M5 24 H43 M24 5 C13 16 13 32 24 43 C35 32 35 16 24 5",
    text: "M3 38 L14 10 L25 38 M7 29 H21 M29 38 L37 18 L45 38 M32 32 H42",
    help: disc + "M18 19 A6 6 0 1 1 24 25.5 V29 M24 35.5 V36",
    warn: "M24 6 L44 41 H4 Z M24 19 V29 M24 35 V35.5",
    info: disc + "M24 22 V34 M24 14 V14.5",
    pencil: "M8 40 L10 31 L33 8 L40 15 L17 38 Z M28 13 L35 20",
    clock: disc + "M24 13 V24 L32 30",
    printer: "M13 17 V6 H35 V17 M13 34 H6 V17 H42 V34 H35 M13 28 H35 V42 H13 Z",
    scanner: "M6 26 H42 V40 H6 Z M13 33 H24 M12 26 V8 H36 V26",
    camera: "M5 15 H14 L18 9 H30 L34 15 H43 V39 H5 Z M24 20 A7 7 0 1 0 24 34 A7 7 0 1 0 24 20",
    shield: "M24 4 L41 11 V23 C41 34 33 40 24 44 C15 40 7 34 7 23 V11 Z M16 24 L22 30 L33 18",
    refresh: "M41 9 V20 H30 M40 19 A17 17 0 1 0 41 29",
    doc: "M10 5 H28 L38 15 V43 H10 Z M28 5 V15 H38 M18 25 H30 M18 33 H30",
    sign: "M10 34 L12 26 L31 7 L38 14 L18 33 Z M27 11 L34 18 M7 43 H41",
    send: "M43 6 L5 22 L19 28 L43 6 L28 42 L19 28",
    lock: "M11 21 H37 V42 H11 Z M16 21 V14 A8 8 0 0 1 32 14 V21 M24 29 V34",
    qr: "M7 7 H19 V19 H7 Z M29 7 H41 V19 H29 Z M7 29 H19 V41 H7 Z M29 29 V33 M41 29 V34 M29 41 H33"
        + " M41 41 V41.5 M35 35 V35.5",
    person: "M24 6 A9 9 0 1 0 24 24 A9 9 0 1 0 24 6 M6 43 C6 33 14 30 24 30 C34 30 42 33 42 43",
    home: "M5 24 L24 7 L43 24 M11 19 V41 H37 V19",
    hand: "M15 26 V12 A3.4 3.4 0 0 1 22 12 V22 V8 A3.4 3.4 0 0 1 29 8 V22 V12 A3.4 3.4 0 0 1 36 12 V28"
        + " C36 38 31 43 25 43 C19 43 16 40 13 35 L8 27 A3.3 3.3 0 0 1 13.5 23.5 Z"
};

// A milestone of a later procedure may name an icon this list does not have yet.
function path(name) {
    return paths[name] || paths.doc;
}
