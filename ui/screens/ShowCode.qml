import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// A code for the phone to scan, as large as the place allows; below it what the phone shows too.
Page {
    id: page

    title: Kiosk.word("showcode.title")
    lead: Kiosk.word("showcode.lead")

    explain: [
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Rectangle {
                id: zone
                readonly property real side: Math.max(
                    200, Math.min(560, parent.height - letters.height - 24, parent.width))
                width: side
                height: side
                anchors.horizontalCenter: parent.horizontalCenter
                radius: 12
                color: Theme.quietZone
                border.width: 3
                border.color: Theme.line

                Image {
                    anchors.centerIn: parent
                    source: page.view.code
                    cache: false
                    width: parent.width - 16
                    height: width
                    sourceSize: Qt.size(width, width)
                    smooth: false
                    Accessible.role: Accessible.Graphic
                    Accessible.name: Kiosk.word("showcode.code")
                }
            }
            Label {
                id: letters
                anchors.top: zone.bottom
                anchors.topMargin: 16
                anchors.horizontalCenter: parent.horizontalCenter
                text: page.view.compare
                font.pixelSize: Theme.heading
                weight: Font.Bold
                color: Theme.primary
                lineHeight: 1
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            tone: "warn"
            text: page.view.problem ?? ""
        }
    ]
    act: Panel {
        Layout.fillWidth: true
        implicitHeight: instructions.height + 56

        NumberedList {
            id: instructions
            x: 40
            y: 28
            spacing: page.tight ? 10 : 18
            width: parent.width - 80
            items: ["open", "scan", "agree"].map(name => Kiosk.word("showcode." + name))
        }
    }
}
