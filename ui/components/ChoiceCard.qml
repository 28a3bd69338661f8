import QtQuick
import ui.theme

// Picture, title, one-line hint, chevron. wide: the picture stands left of the words.
Touchable {
    id: card

    property string picture
    property string title
    property bool wide: false
    property real pictureSize: 84

    // A card that has a row to itself speaks up.
    readonly property int titleSize: wide && height >= 290 ? Theme.heading : Theme.label

    text: title
    implicitWidth: 480
    implicitHeight: 273

    background: Rectangle {
        radius: Theme.radius
        color: Theme.line

        Rectangle {
            anchors.fill: parent
            anchors.topMargin: card.down ? Theme.lip : 0
            anchors.bottomMargin: card.down ? 0 : Theme.lip
            radius: Theme.radius
            color: card.down ? Theme.tealBg : Theme.surface
            border.width: card.down && Theme.highContrast ? 10 : Theme.stroke
            border.color: Theme.line
        }
    }

    contentItem: Item {
        Picture {
            id: art
            name: card.picture
            size: card.pictureSize
            x: 24
            y: card.wide ? (parent.height - height) / 2 : 18
        }
        Icon {
            id: chevron
            name: "chevron"
            color: Theme.primary
            size: 44
            stroke: 5
            x: parent.width - width - 20
            y: card.wide ? (parent.height - height) / 2 : 36
        }
        Column {
            id: words
            readonly property real free: card.wide ? parent.height - 32
                                       : parent.height - art.y - art.height - 20
            x: card.wide ? art.x + art.width + 28 : 26
            width: (card.wide ? chevron.x : parent.width) - x - 16
            y: card.wide ? (parent.height - height) / 2 : parent.height - height - 18

            Label {
                width: parent.width
                height: Math.min(natural.implicitHeight,
                                 words.free - (hint.visible ? hint.height : 0))
                text: card.title
                verticalAlignment: card.wide ? Text.AlignVCenter : Text.AlignBottom
                fit: true
                weight: Font.DemiBold
                font.pixelSize: card.titleSize
                lineHeight: 0.98
                Accessible.ignored: true
            }
            Label {
                id: hint
                width: parent.width
                text: card.hint
                visible: text !== ""
                         && natural.implicitHeight + implicitHeight <= words.free
                color: Theme.inkSoft
                font.pixelSize: Theme.caption
                lineHeight: 1
                Accessible.ignored: true
            }
        }
        Label {
            id: natural
            visible: false
            width: words.width
            text: card.title
            weight: Font.DemiBold
            font.pixelSize: card.titleSize
            lineHeight: 0.98
        }
    }
}
