import QtQuick
import QtQuick.Layouts
import ui.components

// Show the VNeID code to the reader. There is no button: the code itself is the answer.
Page {
    id: page

    // Where the reader does not work, the camera reads, and the person sees what it sees.
    readonly property bool camera: view.place === "camera"

    function word(name: string): string {
        return Kiosk.word("identify." + (camera ? "camera_" : "") + name);
    }

    title: word("title")
    lead: word("lead")

    explain: [
        Panel {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real words: doing.visible ? doing.height + 16 : 0
                readonly property real room: Math.min(parent.height - 64 - words, 420)
                visible: room >= 120 && preview.status !== Image.Ready
                name: "phone_qr"
                size: Math.max(120, room)
                anchors.horizontalCenter: parent.horizontalCenter
                y: (parent.height - height - words) / 2
            }
            Image {
                id: preview
                visible: status === Image.Ready
                anchors.top: parent.top
                anchors.left: parent.left
                anchors.right: parent.right
                anchors.bottom: doing.visible ? doing.top : parent.bottom
                anchors.margins: 24
                source: page.view.preview ?? ""
                cache: false
                mirror: true
                fillMode: Image.PreserveAspectFit
                Accessible.role: Accessible.Graphic
                Accessible.name: Kiosk.word("identify.camera_preview")
            }
            StatusLine {
                id: doing
                visible: text !== "" && parent.height > height + 24
                anchors.bottom: parent.bottom
                anchors.bottomMargin: 28
                width: parent.width
                text: page.view.problem ? "" : page.word(page.view.state)
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
                items: page.camera ? [page.word("open"), page.word("show"), page.word("hold")]
                     : [page.word("open"), page.word("code"), page.word("show")]
            }
        },
        Banner {
            visible: !page.camera && !page.view.others
            Layout.fillWidth: true
            text: Kiosk.word("identify.no_phone")
        },
        BigButton {
            objectName: "way.other"
            visible: page.view.others && page.view.state !== "checking"
            Layout.fillWidth: true
            text: Kiosk.word("identify.others")
            symbol: "person"
            onClicked: Kiosk.choose("other")
        }
    ]
}
