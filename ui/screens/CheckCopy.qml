import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// Put a paper copy in, or hold its code before the reader: is it what was issued?
Page {
    id: page

    readonly property bool busy: view.state !== "waiting"

    title: Kiosk.word(busy ? "check." + view.state + "_title" : "check.title")
    lead: Kiosk.word("check.lead")
    showProgress: false
    bar.backText: view.state === "scanning" ? ""
                : Kiosk.word(busy ? "check.stop" : "back")

    explain: [
        Panel {
            // An empty box says nothing.
            visible: page.explainHeight > doing.height + 24
                     + (problem.visible ? problem.implicitHeight + Theme.s3 : 0)
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real room: Math.min(parent.height - doing.height - 88, 440)
                visible: room >= 120
                name: "paper_scan"
                size: Math.max(120, room)
                anchors.horizontalCenter: parent.horizontalCenter
                y: (parent.height - doing.height - 28 - height) / 2
            }
            StatusLine {
                id: doing
                width: parent.width
                anchors.bottom: parent.bottom
                anchors.bottomMargin: 28
                text: Kiosk.say("check." + page.view.state, { number: page.view.sheets + 1 })
            }
        },
        Banner {
            id: problem
            visible: text !== ""
            Layout.fillWidth: true
            tone: "warn"
            text: page.view.problem ?? ""
        }
    ]
    act: [
        Panel {
            visible: !page.busy
            Layout.fillWidth: true
            implicitHeight: Math.max(132, code.height + 48)

            Icon {
                id: sign
                name: "qr"
                size: 76
                x: 36
                anchors.verticalCenter: parent.verticalCenter
            }
            Label {
                id: code
                anchors.left: sign.right
                anchors.leftMargin: 28
                anchors.right: parent.right
                anchors.rightMargin: 28
                anchors.verticalCenter: parent.verticalCenter
                text: Kiosk.word("check.or_code")
            }
        },
        Banner {
            Layout.fillWidth: true
            text: Kiosk.word("check.nothing_kept")
        }
    ]
}
