pragma Singleton
import QtQuick

// Colours, sizes and times of every screen. Nothing outside this file names a colour.
QtObject {
    id: theme

    property bool highContrast: false
    // What the person asked for, and what the page on the screen has room for (Main.qml).
    property real wantedScale: 1.0
    property real textScale: wantedScale
    property bool reduceMotion: false

    readonly property color paper: highContrast ? "#000000" : "#FBF6EC"
    readonly property color paperDeep: highContrast ? "#000000" : "#F3EADA"
    readonly property color surface: highContrast ? "#000000" : "#FFFDF8"
    readonly property color ink: highContrast ? "#FFFFFF" : "#211A14"
    readonly property color inkSoft: highContrast ? "#FFFFFF" : "#4A4036"
    readonly property color line: highContrast ? "#FFFFFF" : "#8B7B62"
    readonly property color hair: highContrast ? "#FFFFFF" : "#DCCFB6"
    readonly property color primary: highContrast ? "#FFE600" : "#8C1C13"
    readonly property color primaryLip: highContrast ? "#FFFFFF" : "#5E0F09"
    readonly property color primaryInk: highContrast ? "#000000" : "#FFFFFF"
    readonly property color teal: highContrast ? "#FFE600" : "#0B4F55"
    readonly property color tealBg: highContrast ? "#000000" : "#E3EFEE"
    readonly property color tealInk: highContrast ? "#000000" : "#FFFFFF"
    readonly property color success: highContrast ? "#FFFFFF" : "#17502B"
    readonly property color successBg: highContrast ? "#000000" : "#E5F0E4"
    readonly property color warn: highContrast ? "#FFE600" : "#643A00"
    readonly property color warnBg: highContrast ? "#000000" : "#FBEBCB"
    readonly property color fault: highContrast ? "#FFE600" : "#5E1742"
    readonly property color faultBg: highContrast ? "#000000" : "#F3E6E8"
    readonly property color quietZone: "#FFFFFF"
    // On a picture of paper, which is white in every theme.
    readonly property color markInk: "#5E1742"
    readonly property color veil: highContrast ? "#E6000000" : "#B3211A14"

    readonly property int stroke: highContrast ? 4 : 2
    // A filled card has no edge of its own; on black it needs one.
    readonly property int cardStroke: highContrast ? 4 : 0

    // Titles are large already: they grow by half of what the reading sizes grow.
    readonly property real titleScale: 1 + (textScale - 1) * 0.5
    readonly property string family: "Be Vietnam Pro"
    readonly property int smallest: 34
    readonly property int greeting: Math.round(88 * titleScale)
    readonly property int display: Math.round(72 * titleScale)
    readonly property int heading: Math.round(56 * titleScale)
    readonly property int body: Math.round(42 * textScale)
    readonly property int label: Math.round(40 * textScale)
    readonly property int seat: Math.round(38 * textScale)
    readonly property int caption: Math.round(34 * textScale)
    readonly property bool largeText: textScale > 1
    readonly property bool hugeText: textScale > 1.2

    readonly property int s1: 8
    readonly property int s2: 16
    readonly property int s3: 24
    readonly property int s4: 48
    readonly property int margin: 48
    readonly property int radius: 20
    readonly property int lip: highContrast ? 0 : 6
    readonly property int buttonHeight: 136

    readonly property int quick: reduceMotion ? 0 : 120
    readonly property int calm: reduceMotion ? 0 : 320
    readonly property int lesson: 2600

    readonly property var sizes: [[1.0, false], [1.15, false], [1.3, false], [1.3, true]]

    // One touch on "Cỡ chữ": larger, largest, largest on black, and round again.
    function nextSize(): void {
        const now = sizes.findIndex(size => size[0] === wantedScale && size[1] === highContrast);
        use(sizes[(now + 1) % sizes.length]);
    }

    // The next citizen starts from the plain look.
    function reset(): void {
        use(sizes[0]);
    }

    function use(size: var): void {
        wantedScale = size[0];
        highContrast = size[1];
    }

    function picture(name: string): url {
        return Qt.resolvedUrl("pictures/" + (highContrast ? "hc/" : "") + name + ".svg");
    }
}
