pragma ComponentBehavior: Bound

import QtQuick
import ui.theme

// Short instructions in order, or points with a tick when `symbol` is set.
Column {
    id: list

    property var items: []
    property string symbol: ""

    spacing: 18

    Repeater {
        model: list.items.length

        Item {
            id: entry
            required property int index

            width: list.width
            height: Math.max(disc.height, words.height)

            Rectangle {
                id: disc
                width: 72
                height: 72
                radius: 36
                color: list.symbol === "" ? Theme.teal : Theme.tealBg

                Label {
                    visible: list.symbol === ""
                    anchors.centerIn: parent
                    text: entry.index + 1
                    font.pixelSize: 42
                    color: Theme.tealInk
                    weight: Font.Bold
                    lineHeight: 1
                }
                Icon {
                    visible: list.symbol !== ""
                    anchors.centerIn: parent
                    name: list.symbol
                    size: 40
                    stroke: 5
                    color: Theme.teal
                }
            }
            Label {
                id: words
                x: disc.width + 28
                y: lineCount === 1 ? (disc.height - height) / 2 : 6
                width: parent.width - x
                text: list.items[entry.index] ?? ""
            }
        }
    }
}
