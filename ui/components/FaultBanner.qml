import QtQuick
import ui.theme

// Trouble, said calmly: a picture, one short title. Plum, never red, never flashing.
Rectangle {
    id: banner

    property string picture
    property string title
    property string comfort
    property string tone: "fault"

    readonly property color voice: tone === "ok" ? Theme.success : Theme.fault
    readonly property real art: Math.min(400, height - words.height - 72)

    radius: Theme.radius
    color: tone === "ok" ? Theme.successBg : Theme.faultBg
    border.width: Theme.cardStroke
    border.color: voice

    Picture {
        id: drawing
        visible: banner.art >= 96
        name: banner.picture
        size: Math.max(96, banner.art)
        anchors.horizontalCenter: parent.horizontalCenter
        y: (banner.height - height - words.height - 16) / 2
    }
    Column {
        id: words
        width: banner.width - 64
        x: 32
        y: drawing.visible ? drawing.y + drawing.height + 16 : (banner.height - height) / 2
        spacing: 4

        Label {
            width: parent.width
            text: banner.title
            horizontalAlignment: Text.AlignHCenter
            font.pixelSize: Theme.heading
            weight: Font.Bold
            color: banner.voice
            lineHeight: 1
            Accessible.role: Accessible.AlertMessage
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: banner.comfort
            horizontalAlignment: Text.AlignHCenter
            lineHeight: 1
        }
    }
}
