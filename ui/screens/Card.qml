import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// The citizen card: show its printed code, lay it down, let it lie, take it back.
Page {
    id: page

    readonly property string state_: view.state
    readonly property bool instructs: state_ === "code" || state_ === "lay" || state_ === "staff"
    readonly property bool reading: state_ === "reading"

    function word(name: string): string {
        return Kiosk.word("card." + state_ + "_" + name);
    }

    title: word("title")
    lead: word("lead")
    bar.backText: reading || !view.can_go_back ? "" : Kiosk.word("back")

    explain: [
        Panel {
            // An empty box says nothing.
            visible: page.explainHeight > doing.height + 24
                     + (problem.visible ? problem.implicitHeight + Theme.s3 : 0)
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real room: Math.min(parent.height - 64 - doing.height - 16, 420)
                visible: room >= 120
                name: page.state_ === "code" ? "card_code" : "id_card"
                size: Math.max(120, room)
                anchors.horizontalCenter: parent.horizontalCenter
                y: (parent.height - height - doing.height - 16) / 2
            }
            StatusLine {
                id: doing
                visible: parent.height > height + 24
                anchors.bottom: parent.bottom
                anchors.bottomMargin: 28
                width: parent.width
                text: Kiosk.say("card." + page.state_ + "_status",
                                { done: page.view.done, total: page.view.total })
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
            visible: page.instructs
            Layout.fillWidth: true
            implicitHeight: instructions.height + 56

            NumberedList {
                id: instructions
                x: 40
                y: 28
                spacing: page.tight ? 10 : 18
                width: parent.width - 80
                items: page.state_ === "code"
                       ? [page.word("1"), page.word("2"), page.word("3")]
                     : page.instructs ? [page.word("1"), page.word("2")] : []
            }
        },
        BigButton {
            objectName: "type"
            visible: page.state_ === "code" && page.view.typing
            Layout.fillWidth: true
            text: Kiosk.word("card.type")
            symbol: "pencil"
            onClicked: Kiosk.choose("type")
        }
    ]
}
