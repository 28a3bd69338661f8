import QtQuick
import ui.theme

// What the machine is doing now, in words; the dot only repeats it.
Item {
    id: status

    property string text
    property string symbol: ""
    property color color: Theme.teal

    implicitHeight: words.height

    Row {
        anchors.centerIn: parent
        spacing: 20

        Rectangle {
            visible: status.symbol === ""
            anchors.verticalCenter: parent.verticalCenter
            width: 26
            height: 26
            radius: 13
            color: status.color
        }
        Icon {
            visible: status.symbol !== ""
            anchors.verticalCenter: parent.verticalCenter
            name: status.symbol
            color: status.color
            size: 52
            stroke: 5
        }
        Label {
            id: words
            width: Math.min(implicitWidth, status.width - 72)
            text: status.text
            weight: Font.DemiBold
            color: status.color
            lineHeight: 1
            Accessible.role: Accessible.AlertMessage
        }
    }
}
