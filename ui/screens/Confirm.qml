import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// The last question before the dossier is handed in: the price first, then what happens.
Page {
    id: page

    title: view.title
    bar.mainText: Kiosk.word("confirm.submit")
    bar.mainSymbol: "check"

    explain: Rectangle {
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.maximumHeight: 520
        radius: Theme.radius
        color: Theme.paperDeep
        border.width: Theme.cardStroke
        border.color: Theme.line

        Picture {
            id: art
            readonly property real room: Math.min(300, parent.height - price.height - 72)
            visible: room >= 100
            name: "a4_seal"
            size: Math.max(100, room)
            anchors.horizontalCenter: parent.horizontalCenter
            y: (parent.height - height - price.height - 20) / 2
        }
        Label {
            id: price
            width: parent.width - 64
            x: 32
            y: art.visible ? art.y + art.height + 20 : (parent.height - height) / 2
            text: page.view.fee
            horizontalAlignment: Text.AlignHCenter
            font.pixelSize: Theme.heading
            weight: Font.Bold
            color: Theme.primary
            lineHeight: 1
        }
    }
    act: Panel {
        Layout.fillWidth: true
        implicitHeight: points.height + 2 * points.y

        NumberedList {
            id: points
            x: 40
            y: page.tight ? 24 : 40
            spacing: page.tight ? 10 : 18
            width: parent.width - 80
            items: page.view.points
            symbol: "check"
        }
    }
}
