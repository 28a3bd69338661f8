import QtQuick
import ui.theme

// Plain text in the type of the house. `fit` shrinks a long line or block into its box.
Text {
    property int weight: Font.Normal
    property bool fit: false

    color: Theme.ink
    font.family: Theme.family
    font.pixelSize: Theme.body
    font.weight: weight
    wrapMode: Text.WordWrap
    lineHeight: 1.04
    textFormat: Text.PlainText
    fontSizeMode: fit ? Text.Fit : Text.FixedSize
    minimumPixelSize: Theme.smallest
    Accessible.role: Accessible.StaticText
    Accessible.name: text
    Accessible.ignored: text === ""
}
