pragma ComponentBehavior: Bound

import QtQuick
import ui.theme

// The three answers every trouble screen gives, in this order.
Column {
    id: three

    property string happened
    property string todo
    property string kept

    property bool close: false

    spacing: close ? 12 : 20

    component Answer: Rectangle {
        id: answer

        required property string question
        required property string text
        required property string symbol
        property color voice: Theme.ink

        width: three.width
        height: words.height + (three.close ? 28 : 52)
        radius: Theme.radius
        border.width: Theme.cardStroke
        border.color: Theme.line

        Icon {
            name: answer.symbol
            size: 76
            stroke: 3.6
            x: 36
            anchors.verticalCenter: parent.verticalCenter
            color: answer.voice
        }
        Column {
            id: words
            x: 148
            width: parent.width - x - 28
            anchors.verticalCenter: parent.verticalCenter
            spacing: 2

            Label {
                width: parent.width
                text: answer.question
                font.pixelSize: Theme.caption
                color: Theme.inkSoft
                weight: Font.Medium
                lineHeight: 1
            }
            Label {
                width: parent.width
                text: answer.text
                weight: Font.DemiBold
                lineHeight: 1
            }
        }
    }

    Answer {
        question: Kiosk.word("fault.happened")
        text: three.happened
        symbol: "info"
        color: Theme.paperDeep
    }
    Answer {
        question: Kiosk.word("fault.todo")
        text: three.todo
        symbol: "hand"
        voice: Theme.primary
        color: Theme.surface
        border.width: 5
        border.color: Theme.primary
    }
    Answer {
        question: Kiosk.word("fault.kept")
        text: three.kept
        symbol: "shield"
        voice: Theme.success
        color: Theme.successBg
    }
}
