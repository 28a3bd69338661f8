import QtQuick
import QtQuick.Layouts
import ui.components

// Show the VNeID code to the reader. There is no button: the code itself is the answer.
Page {
    id: page

    readonly property bool checking: view.state === "checking"

    title: Kiosk.word("identify.title")
    lead: Kiosk.word("identify.lead")

    explain: [
        Panel {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real words: doing.visible ? doing.height + 16 : 0
                readonly property real room: Math.min(parent.height - 64 - words, 420)
                visible: room >= 120
                name: "phone_qr"
                size: Math.max(120, room)
                anchors.horizontalCenter: parent.horizontalCenter
                y: (parent.height - height - words) / 2
            }
            StatusLine {
                id: doing
                visible: text !== "" && parent.height > height + 24
                anchors.bottom: parent.bottom
                anchors.bottomMargin: 28
                width: parent.width
                text: page.view.problem ? "" : Kiosk.word("identify." + page.view.state)
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            tone: "warn"
            text: page.view.problem ?? ""
        }
    ]
    act: [
        Panel {
            Layout.fillWidth: true
            implicitHeight: instructions.height + 56

            NumberedList {
                id: instructions
                x: 40
                y: 28
                spacing: page.tight ? 10 : 18
                width: parent.width - 80
                items: [Kiosk.word("identify.open"), Kiosk.word("identify.code"),
                        Kiosk.word("identify.show")]
            }
        },
        Banner {
            Layout.fillWidth: true
            text: Kiosk.word("identify.no_phone")
        }
    ]
}
