import QtQuick
import ui.theme

// A scanned page: its picture, its number, the verdict in words, and the ways to scan it again or to
// take it out of the papers.
Rectangle {
    id: thumb

    property int number: 1
    property url source
    property string verdict
    property bool redoAdvised: false
    property bool redoPossible: true

    readonly property color voice: redoAdvised ? Theme.warn : Theme.success

    signal redo
    signal remove

    implicitHeight: Math.max(300, words.height + 52
                             + (redoPossible ? again.height + away.height + 40 : 0))
    radius: Theme.radius
    color: redoAdvised ? Theme.warnBg : Theme.surface
    border.width: redoAdvised ? 4 : Theme.stroke
    border.color: redoAdvised ? Theme.warn : Theme.line

    Rectangle {
        id: paper
        x: 20
        y: 20
        width: Math.min(170, thumb.width * (Theme.hugeText ? 0.3 : 0.36))
        height: parent.height - 40
        color: Theme.quietZone
        border.width: 2
        border.color: Theme.line

        Image {
            anchors.fill: parent
            anchors.margins: 4
            source: thumb.source
            cache: false
            fillMode: Image.PreserveAspectFit
            Accessible.role: Accessible.Graphic
            Accessible.name: title.text
        }
    }
    Column {
        id: words
        anchors.left: paper.right
        anchors.leftMargin: 20
        anchors.right: parent.right
        anchors.rightMargin: 16
        y: 22
        spacing: 6

        Label {
            id: title
            width: parent.width
            text: Kiosk.say("page_number", { number: thumb.number })
            weight: Font.DemiBold
            font.pixelSize: Theme.label
            lineHeight: 1
        }
        Row {
            width: parent.width
            spacing: 12

            Icon {
                id: sign
                name: thumb.redoAdvised ? "warn" : "check"
                size: 40
                stroke: 5
                color: thumb.voice
            }
            Label {
                width: parent.width - sign.width - 12
                text: thumb.verdict
                font.pixelSize: Theme.caption
                weight: Font.Medium
                color: thumb.voice
                lineHeight: 1
            }
        }
    }
    BigButton {
        id: again
        objectName: "redo." + thumb.number
        visible: thumb.redoPossible
        anchors.left: paper.right
        anchors.leftMargin: 20
        anchors.right: parent.right
        anchors.rightMargin: 20
        anchors.bottom: away.top
        anchors.bottomMargin: 16
        height: 112
        text: Kiosk.word("scan.redo")
        symbol: "refresh"
        stacked: Theme.hugeText
        fontSize: Theme.caption
        kind: thumb.redoAdvised ? "teal" : "secondary"
        onClicked: thumb.redo()
    }
    BigButton {
        id: away
        objectName: "remove." + thumb.number
        visible: thumb.redoPossible
        anchors.left: paper.right
        anchors.leftMargin: 20
        anchors.right: parent.right
        anchors.rightMargin: 20
        anchors.bottom: parent.bottom
        anchors.bottomMargin: 20
        height: 96
        text: Kiosk.word("scan.remove")
        symbol: "close"
        fontSize: Theme.caption
        kind: "secondary"
        Accessible.name: text + ": " + title.text
        onClicked: thumb.remove()
    }
}
