import QtQuick
import ui.theme

// Who serves you, and what time it is. Upright: information only; landscape: the tools as well.
Item {
    id: bar

    property bool landscape: false

    implicitHeight: landscape ? 132 : 148

    Picture {
        id: mark
        name: "lotus"
        size: 84
        x: Theme.margin
        y: (parent.height - band.height - height) / 2
    }
    Column {
        id: office
        anchors.left: mark.right
        anchors.leftMargin: Theme.s3
        anchors.verticalCenter: mark.verticalCenter
        width: (bar.landscape ? 560 : 500)

        Label {
            width: parent.width
            height: 40
            text: Kiosk.word("office")
            fit: true
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.smallest
            minimumPixelSize: 24
            color: Theme.inkSoft
            lineHeight: 0.98
        }
        Label {
            width: parent.width
            height: 52
            text: Kiosk.commune
            fit: true
            wrapMode: Text.NoWrap
            font.pixelSize: 42
            minimumPixelSize: 24
            weight: Font.DemiBold
            lineHeight: 0.98
        }
    }
    Column {
        visible: !bar.landscape
        anchors.right: parent.right
        anchors.rightMargin: Theme.margin
        anchors.verticalCenter: mark.verticalCenter

        Label {
            anchors.right: parent.right
            text: Kiosk.timeText
            font.pixelSize: 42
            weight: Font.DemiBold
            lineHeight: 0.98
        }
        Label {
            text: Kiosk.dateText
            font.pixelSize: Theme.smallest
            color: Theme.inkSoft
            lineHeight: 0.98
        }
    }
    Label {
        visible: bar.landscape
        anchors.left: office.right
        anchors.verticalCenter: mark.verticalCenter
        text: Kiosk.timeText
        font.pixelSize: 42
        weight: Font.DemiBold
        lineHeight: 1
    }
    Loader {
        active: bar.landscape
        anchors.right: parent.right
        anchors.rightMargin: Theme.margin - 16
        anchors.verticalCenter: mark.verticalCenter
        width: 990
        height: 104

        sourceComponent: ToolStrip {
            flat: true
        }
    }
    DrumBand {
        id: band
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        anchors.leftMargin: Theme.margin
        anchors.rightMargin: Theme.margin
    }
}
