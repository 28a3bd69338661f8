pragma ComponentBehavior: Bound

import QtQuick
import ui.theme

// Language, text size, help: the same place on every screen, within reach of a wheelchair.
Rectangle {
    id: strip

    property bool flat: false

    implicitHeight: 104
    color: flat ? "transparent" : Theme.paperDeep

    component Tool: Touchable {
        id: tool

        required property string symbol
        property bool first: false

        objectName: "tool." + name
        required property string name
        width: strip.width / 3
        height: strip.height
        corner: 12

        background: Rectangle {
            color: tool.down ? Theme.tealBg : "transparent"
            border.width: tool.down && Theme.highContrast ? 6 : 0
            border.color: Theme.teal

            Rectangle {
                visible: !tool.first
                anchors.verticalCenter: parent.verticalCenter
                width: Theme.stroke
                height: 56
                color: Theme.hair
            }
        }
        contentItem: Item {
            Row {
                anchors.centerIn: parent
                spacing: 14

                Icon {
                    anchors.verticalCenter: parent.verticalCenter
                    name: tool.symbol
                    color: Theme.teal
                    size: 44
                }
                Label {
                    anchors.verticalCenter: parent.verticalCenter
                    text: tool.text
                    font.pixelSize: Theme.caption
                    weight: Font.Medium
                    color: Theme.teal
                    wrapMode: Text.NoWrap
                    lineHeight: 1
                    Accessible.ignored: true
                }
            }
        }
    }

    Rectangle {
        visible: !strip.flat
        width: parent.width
        height: Theme.stroke
        color: Theme.hair
    }
    Row {
        anchors.fill: parent

        Tool {
            first: true
            name: "language"
            symbol: "globe"
            text: Kiosk.word("tool.language")
            onClicked: Kiosk.setLanguage(Kiosk.otherLanguage)
        }
        Tool {
            name: "text"
            symbol: "text"
            text: Kiosk.word("tool.text")
            onClicked: Theme.nextSize()
        }
        Tool {
            name: "help"
            symbol: "help"
            text: Kiosk.word("tool.help")
            onClicked: Kiosk.helpOpen = true
        }
    }
}
