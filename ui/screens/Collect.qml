import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// Slip, then card, before the reader: the codes themselves are the answer, so there is no button.
Page {
    id: page

    readonly property bool checking: view.state === "checking"

    function word(name: string): string {
        return Kiosk.word("collect." + name);
    }

    title: word(view.state + "_title")
    lead: checking ? "" : word("lead")

    explain: [
        Panel {
            // An empty box says nothing; beside a problem it holds the picture alone.
            visible: page.explainHeight > (problem.visible
                     ? problem.implicitHeight + Theme.s3 + 184 : doing.height + 24)
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real words: doing.visible ? doing.height + 16 : 0
                readonly property real room: Math.min(parent.height - 64 - words, 420)
                visible: room >= 120
                name: page.view.state === "card" ? "card_code" : "receipt"
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
                text: page.view.problem ? "" : page.word("now_" + page.view.state)
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
    act: Panel {
        visible: !page.checking
        Layout.fillWidth: true
        implicitHeight: instructions.height + 56

        NumberedList {
            id: instructions
            x: 40
            y: 28
            spacing: page.tight ? 10 : 18
            width: parent.width - 80
            items: [page.word("slip"), page.word("card"), page.word("paper")]
        }
    }
}
