pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// What the machine has done, does now, will do: a true count, never a turning wheel.
Page {
    id: page

    readonly property int count: view.milestones.length
    readonly property real lineHeight: Math.min(112, (landscape ? bodyHeight : bodyHeight - 150)
                                                     / Math.max(1, count))

    title: view.title
    lead: view.lead
    share: 0.46
    bar.mainText: view.may_leave ? Kiosk.word("issuing.leave") : ""
    bar.mainSymbol: "printer"

    explain: [
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real room: Math.min(380, parent.height - 8)
                visible: room >= 120
                name: "a4_seal"
                size: Math.max(120, room)
                anchors.centerIn: parent
            }
        },
        Label {
            Layout.fillWidth: true
            horizontalAlignment: Text.AlignHCenter
            text: Kiosk.say("issuing.count", { done: page.view.done, total: page.view.total })
            font.pixelSize: Theme.heading
            weight: Font.Bold
            lineHeight: 1
        },
        Rectangle {
            Layout.fillWidth: true
            Layout.bottomMargin: page.landscape ? 16 : 24
            implicitHeight: 44
            radius: 22
            color: Theme.surface
            border.width: 3
            border.color: Theme.line
            Accessible.role: Accessible.ProgressBar
            Accessible.name: page.title

            Rectangle {
                x: 6
                y: 6
                height: 32
                radius: 16
                color: Theme.teal
                width: Math.max(32, (parent.width - 12)
                                    * page.view.done / Math.max(1, page.view.total))

                Behavior on width {
                    NumberAnimation {
                        duration: Theme.calm
                    }
                }
            }
        }
    ]
    act: Column {
        Layout.fillWidth: true

        Repeater {
            model: page.count

            Item {
                id: stone
                required property int index
                readonly property var entry: page.view.milestones[index]
                                             ?? page.view.milestones[0]
                readonly property bool done: entry.state === "done"
                readonly property bool now: entry.state === "now"
                readonly property color voice: done ? Theme.teal : now ? Theme.primary : Theme.line

                width: parent.width
                height: page.lineHeight

                Rectangle {
                    visible: stone.index < page.count - 1
                    x: 40
                    y: disc.y + disc.height
                    width: 4
                    height: page.lineHeight - disc.height
                    color: stone.done ? Theme.teal : Theme.hair
                }
                Rectangle {
                    id: disc
                    x: 4
                    y: (parent.height - height) / 2
                    width: 76
                    height: Math.min(76, page.lineHeight - 8)
                    radius: height / 2
                    color: stone.done ? Theme.teal : stone.now ? Theme.primary : Theme.paper
                    border.width: 3
                    border.color: stone.voice

                    Icon {
                        anchors.centerIn: parent
                        name: stone.done ? "check" : stone.entry.icon
                        size: 42
                        color: stone.done ? Theme.tealInk
                             : stone.now ? Theme.primaryInk : Theme.inkSoft
                    }
                }
                Label {
                    x: 112
                    width: parent.width - x
                    height: Math.min(implicitHeight, parent.height)
                    anchors.verticalCenter: disc.verticalCenter
                    fit: true
                    text: stone.entry.label
                    weight: stone.now ? Font.Bold : Font.Normal
                    color: stone.done || stone.now ? Theme.ink : Theme.inkSoft
                    lineHeight: 1
                }
            }
        }
    }
}
