import QtQuick
import QtQuick.Layouts
import ui.components

// What will be used, what for, how long: said before it is asked for.
Page {
    id: page

    readonly property bool face: view.purpose === "face"

    title: view.title
    lead: Kiosk.word("consent.lead")
    bar.mainText: Kiosk.word("consent.agree")
    bar.mainSymbol: "check"

    explain: [
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real room: Math.min(parent.height - 16, 400)
                visible: room >= 120
                name: page.face ? "face_oval" : "data_safe"
                size: Math.max(120, room)
                anchors.centerIn: parent
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            text: page.view.fee ?? ""
        }
    ]
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
