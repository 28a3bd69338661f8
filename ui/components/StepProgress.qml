pragma ComponentBehavior: Bound

import QtQuick
import ui.theme

// "Bước 3 trên 7", the step's name, dots: done has a tick, now is larger, later is hollow.
Item {
    id: progress

    property int step: 1
    property int total: 2
    property string name: ""

    readonly property real gap: (width - 32) / Math.max(1, total - 1)

    implicitHeight: count.height + 50
    Accessible.role: Accessible.Grouping
    Accessible.name: count.text + ": " + name

    Label {
        id: count
        text: Kiosk.say("step_of", { step: progress.step, steps: progress.total })
        weight: Font.DemiBold
        font.pixelSize: Theme.label
        color: Theme.primary
        wrapMode: Text.NoWrap
        lineHeight: 1
    }
    Label {
        anchors.right: parent.right
        width: parent.width - count.width - 32
        height: count.height
        text: progress.name
        fit: true
        horizontalAlignment: Text.AlignRight
        verticalAlignment: Text.AlignVCenter
        font.pixelSize: Theme.label
        minimumPixelSize: 26
        color: Theme.inkSoft
        wrapMode: Text.NoWrap
        lineHeight: 1
    }
    Item {
        y: count.height + 12
        width: parent.width
        height: 38

        Rectangle {
            x: 16
            y: 17
            width: parent.width - 32
            height: 4
            color: Theme.hair
        }
        Rectangle {
            x: 16
            y: 15
            width: progress.gap * (progress.step - 1)
            height: 8
            color: Theme.teal
        }
        Repeater {
            model: progress.total

            Rectangle {
                id: dot
                required property int index
                readonly property bool now: index + 1 === progress.step
                readonly property bool done: index + 1 < progress.step

                width: now ? 40 : 32
                height: width
                radius: width / 2
                x: index * progress.gap - (now ? 4 : 0)
                y: (38 - height) / 2
                color: now ? Theme.primary : done ? Theme.teal : Theme.paper
                border.width: 3
                border.color: now ? Theme.primary : done ? Theme.teal : Theme.line

                Icon {
                    visible: dot.done
                    anchors.centerIn: parent
                    name: "check"
                    size: 22
                    stroke: 7
                    color: Theme.tealInk
                }
                Rectangle {
                    visible: dot.now
                    anchors.centerIn: parent
                    width: 14
                    height: 14
                    radius: 7
                    color: Theme.primaryInk
                }
            }
        }
    }
}
