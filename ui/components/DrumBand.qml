import QtQuick
import ui.theme

// The bronze-drum ornament, one thin line of it. A plain rule in high contrast.
Item {
    implicitHeight: 20

    Rectangle {
        visible: Theme.highContrast
        anchors.verticalCenter: parent.verticalCenter
        width: parent.width
        height: Theme.stroke
        color: Theme.ink
    }
    Image {
        visible: !Theme.highContrast
        anchors.fill: parent
        source: Theme.picture("band")
        sourceSize: Qt.size(960, 20)
        fillMode: Image.TileHorizontally
        horizontalAlignment: Image.AlignLeft
        opacity: 0.75
        Accessible.ignored: true
    }
}
