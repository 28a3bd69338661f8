import QtQuick
import ui.theme

// A card over everything, with one question. What is below cannot be touched meanwhile.
Rectangle {
    id: sheet

    property string title
    property string lead: ""
    property string picture: ""
    default property alias buttons: column.data

    readonly property bool landscape: width > height

    color: Theme.veil
    Accessible.role: Accessible.Dialog
    Accessible.name: title

    MouseArea {
        anchors.fill: parent
    }
    Rectangle {
        id: card
        anchors.horizontalCenter: parent.horizontalCenter
        y: sheet.landscape ? (parent.height - height) / 2 : parent.height - height - 128
        width: Math.min(sheet.landscape ? 1100 : 984, parent.width - 2 * Theme.margin)
        height: words.height + column.height + 48 * 3
        radius: Theme.radius * 1.5
        color: Theme.paper
        border.width: Theme.cardStroke
        border.color: Theme.line

        Column {
            id: words
            x: 48
            y: 48
            width: parent.width - 96
            spacing: Theme.s2

            Picture {
                visible: sheet.picture !== ""
                name: sheet.picture
                size: sheet.landscape ? 160 : 280
                anchors.horizontalCenter: parent.horizontalCenter
            }
            Label {
                width: parent.width
                text: sheet.title
                font.pixelSize: Theme.heading
                weight: Font.Bold
                lineHeight: 1
                Accessible.role: Accessible.Heading
            }
            Label {
                width: parent.width
                visible: text !== ""
                text: sheet.lead
                color: Theme.inkSoft
            }
        }
        Column {
            id: column
            x: 48
            y: words.y + words.height + 48
            width: parent.width - 96
            spacing: Theme.s3
        }
    }
}
