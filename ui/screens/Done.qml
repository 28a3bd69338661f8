import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// The code, the day, the way to take it home on a phone.
Page {
    id: page

    readonly property bool queued: view.kind === "queued"

    title: view.title
    lead: view.lead
    big: !landscape && !Theme.largeText
    showProgress: false
    bar.mainText: Kiosk.word("done.finish")
    bar.mainSymbol: "check"

    explain: [
        Rectangle {
            Layout.fillWidth: true
            implicitHeight: code.height + (Theme.hugeText ? 40 : 64)
            radius: Theme.radius
            color: Theme.successBg
            border.width: Theme.cardStroke
            border.color: Theme.line

            Column {
                id: code
                anchors.verticalCenter: parent.verticalCenter
                x: 32
                width: parent.width - 64
                spacing: 4

                Label {
                    width: parent.width
                    text: Kiosk.word("done.code")
                    horizontalAlignment: Text.AlignHCenter
                    color: Theme.success
                    weight: Font.DemiBold
                    font.pixelSize: Theme.label
                    lineHeight: 1
                }
                Label {
                    width: parent.width
                    height: Theme.display * 1.3
                    text: page.view.code
                    fit: true
                    wrapMode: Text.NoWrap
                    horizontalAlignment: Text.AlignHCenter
                    verticalAlignment: Text.AlignVCenter
                    font.pixelSize: Theme.display
                    weight: Font.Bold
                    lineHeight: 1
                }
            }
        },
        RowLayout {
            Layout.fillWidth: true
            Layout.fillHeight: true
            spacing: Theme.s4

            Picture {
                readonly property real room: Math.min(page.landscape ? 220 : 320, parent.height - 8)
                visible: room >= 110
                name: page.queued ? "receipt" : "a4_seal"
                size: Math.max(110, room)
                Layout.minimumWidth: size
                Layout.preferredWidth: size
                Layout.preferredHeight: size
                Layout.alignment: Qt.AlignVCenter
            }
            Column {
                Layout.fillWidth: true
                Layout.preferredWidth: 0
                Layout.alignment: Qt.AlignVCenter
                spacing: 6

                Label {
                    width: parent.width
                    text: page.view.due_label
                    color: Theme.inkSoft
                    lineHeight: 1
                }
                Label {
                    width: parent.width
                    height: implicitHeight
                    text: page.view.due
                    fit: true
                    wrapMode: Text.NoWrap
                    font.pixelSize: page.landscape ? Theme.heading : Theme.display
                    weight: Font.Bold
                    color: Theme.primary
                    lineHeight: 1
                }
                Label {
                    width: parent.width
                    text: page.view.place
                    weight: Font.DemiBold
                    lineHeight: 1
                }
            }
        }
    ]
    act: Panel {
        Layout.fillWidth: true
        implicitHeight: Math.max(zone.height, take.height) + 64

        Rectangle {
            id: zone
            x: 32
            anchors.verticalCenter: parent.verticalCenter
            width: 360
            height: 360
            radius: 12
            color: Theme.quietZone
            border.width: 3
            border.color: Theme.line

            Image {
                anchors.centerIn: parent
                source: page.view.take_away
                cache: false
                sourceSize: Qt.size(352, 352)
                smooth: false
                Accessible.role: Accessible.Graphic
                Accessible.name: Kiosk.word("done.take_title")
            }
        }
        Column {
            id: take
            x: zone.x + zone.width + 40
            width: parent.width - x - 32
            anchors.verticalCenter: parent.verticalCenter
            spacing: Theme.s2

            Label {
                width: parent.width
                text: Kiosk.word("done.take_title")
                weight: Font.DemiBold
            }
            Label {
                width: parent.width
                text: Kiosk.word("done.take_text")
                font.pixelSize: Theme.caption
                color: Theme.inkSoft
            }
        }
    }
}
