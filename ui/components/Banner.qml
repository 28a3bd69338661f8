import QtQuick
import ui.theme

// tone: "info", "ok", "warn" or "fault". Icon and words carry the meaning, colour repeats it.
Rectangle {
    id: banner

    property string tone: "info"
    property string text: ""

    readonly property color voice: tone === "ok" ? Theme.success : tone === "warn" ? Theme.warn
                                 : tone === "fault" ? Theme.fault : Theme.teal

    implicitHeight: Math.max(116, words.height + 40)
    radius: Theme.radius
    color: tone === "ok" ? Theme.successBg : tone === "warn" ? Theme.warnBg
         : tone === "fault" ? Theme.faultBg : Theme.tealBg
    border.width: Theme.cardStroke
    border.color: voice

    Icon {
        id: sign
        name: banner.tone === "ok" ? "check" : banner.tone === "info" ? "info" : "warn"
        color: banner.voice
        size: 60
        x: 36
        anchors.verticalCenter: parent.verticalCenter
    }
    Label {
        id: words
        anchors.left: sign.right
        anchors.leftMargin: 28
        anchors.right: parent.right
        anchors.rightMargin: 28
        anchors.verticalCenter: parent.verticalCenter
        text: banner.text
        font.pixelSize: Theme.label
        Accessible.role: Accessible.AlertMessage
    }
}
