import QtQuick
import ui.theme
import ui.components

// One sun, one sentence, one button.
Page {
    id: page

    showBars: false

    readonly property real sun: landscape ? 1180 : 1320
    readonly property real sunX: landscape ? width * 0.25 : width / 2
    readonly property real sunY: landscape ? height / 2 : 490
    readonly property real wordsX: landscape ? width * 0.46 : 0

    Image {
        visible: !Theme.highContrast
        x: page.sunX - page.sun / 2
        y: page.sunY - page.sun / 2
        width: page.sun
        height: page.sun
        source: Theme.highContrast ? "" : Theme.picture("drum")
        sourceSize: Qt.size(page.sun, page.sun)
        opacity: 0.62
        Accessible.ignored: true
    }
    Rectangle {
        visible: !page.landscape
        y: 480
        width: parent.width
        height: parent.height - y

        gradient: Gradient {
            GradientStop {
                position: 0
                color: Qt.alpha(Theme.paper, 0)
            }
            GradientStop {
                position: 0.24
                color: Theme.paper
            }
        }
    }
    Rectangle {
        visible: page.landscape
        x: parent.width * 0.28
        width: parent.width - x
        height: parent.height

        gradient: Gradient {
            orientation: Gradient.Horizontal

            GradientStop {
                position: 0
                color: Qt.alpha(Theme.paper, 0)
            }
            GradientStop {
                position: 0.24
                color: Theme.paper
            }
        }
    }
    Rectangle {
        x: page.sunX - width / 2
        y: page.sunY - height / 2
        width: 486
        height: 486
        radius: 243
        color: Theme.paper
    }
    Picture {
        name: "lotus"
        size: 340
        x: page.sunX - width / 2
        y: page.sunY - height / 2
    }

    Column {
        id: words
        x: page.wordsX + 48
        width: page.width - page.wordsX - 96
        y: page.landscape ? (Theme.hugeText ? 16 : 48) : touch.y - (Theme.hugeText ? 16 : 40) - height
        spacing: Theme.hugeText ? 4 : 12

        Label {
            width: parent.width
            text: Kiosk.agency
            horizontalAlignment: Text.AlignHCenter
            color: Theme.inkSoft
            weight: Font.Medium
        }
        Label {
            objectName: "title"
            width: parent.width
            text: Kiosk.word("attract.title")
            horizontalAlignment: Text.AlignHCenter
            font.pixelSize: Theme.greeting
            weight: Font.Bold
            lineHeight: 1
            Accessible.role: Accessible.Heading
        }
        Label {
            width: parent.width
            text: Kiosk.word("attract.lead")
            horizontalAlignment: Text.AlignHCenter
            lineHeight: 1.12
        }
    }
    Item {
        id: touch
        x: page.wordsX + 96
        y: page.landscape ? page.height - height - 40 : 1184
        width: page.width - page.wordsX - 192
        height: start.height + 2 * (Theme.s3 + Theme.buttonHeight)

        BigButton {
            id: start
            objectName: "main"
            width: parent.width
            height: page.landscape ? 176 : 216
            kind: "primary"
            text: Kiosk.word("attract.start")
            symbol: "right"
            symbolRight: true
            fontSize: Theme.display
            onClicked: Kiosk.next()
        }
        BigButton {
            objectName: "tool.language"
            y: start.height + Theme.s3
            width: (parent.width - Theme.s3) / 2
            text: Kiosk.word("tool.language")
            symbol: "globe"
            onClicked: Kiosk.setLanguage(Kiosk.otherLanguage)
        }
        BigButton {
            objectName: "staff"
            x: (parent.width + Theme.s3) / 2
            y: start.height + Theme.s3
            width: (parent.width - Theme.s3) / 2
            text: Kiosk.word("staff")
            symbol: "hand"
            onClicked: Kiosk.callStaff()
        }
        BigButton {
            objectName: "check-copy"
            y: parent.height - height
            width: parent.width
            text: Kiosk.word("attract.check")
            symbol: "shield"
            onClicked: Kiosk.choose("check-copy")
        }
    }
    Row {
        x: page.landscape ? page.sunX - width / 2 : touch.x + (touch.width - width) / 2
        y: page.landscape ? page.height - 88 : touch.y + touch.height + 36
        spacing: 20

        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: "clock"
            color: Theme.inkSoft
            size: 44
        }
        Label {
            anchors.verticalCenter: parent.verticalCenter
            text: Kiosk.timeText + "  ·  " + Kiosk.dateText
            font.pixelSize: Theme.caption
            color: Theme.inkSoft
            lineHeight: 1
        }
    }
    DrumBand {
        visible: !page.landscape
        x: 60
        y: page.height - 84
        width: page.width - 120
    }
}
