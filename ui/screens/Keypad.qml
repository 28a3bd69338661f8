pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// Digits, large and few. What was typed stands above the keys, or as many dots where it is secret.
Page {
    id: page

    property string typed: ""
    readonly property bool full: typed.length === view.length
    readonly property real keyHeight: landscape ? 118 : 128

    function press(key: string): void {
        if (key === "delete")
            typed = typed.slice(0, -1);
        else if (!full)
            typed += key;
    }

    title: view.title
    lead: view.lead
    bar.mainText: full ? Kiosk.word("keypad.done") : ""
    bar.mainSymbol: "check"

    function goOn(): void {
        const text = typed;
        typed = "";
        Kiosk.type(text);
    }

    explain: [
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Row {
                id: places
                anchors.centerIn: parent
                spacing: Theme.s2
                Accessible.role: Accessible.StaticText
                Accessible.name: Kiosk.say("keypad.typed",
                                           { count: page.typed.length, length: page.view.length })

                readonly property real side: Math.min(
                    120, (parent.width - (page.view.length - 1) * spacing) / page.view.length)

                Repeater {
                    model: page.view.length

                    Rectangle {
                        id: place
                        required property int index

                        width: places.side
                        height: places.side * 1.2
                        radius: Theme.radius
                        color: Theme.surface
                        border.width: index === page.typed.length ? 6 : Theme.stroke
                        border.color: index === page.typed.length ? Theme.teal : Theme.line

                        Label {
                            anchors.centerIn: parent
                            text: page.view.hidden && place.index < page.typed.length
                                  ? "•" : page.typed.charAt(place.index)
                            font.pixelSize: Theme.heading
                            weight: Font.Bold
                            lineHeight: 1
                            Accessible.ignored: true
                        }
                    }
                }
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            tone: "warn"
            text: page.view.problem ?? ""
        }
    ]
    act: GridLayout {
        Layout.fillWidth: true
        columns: 3
        columnSpacing: Theme.s2
        rowSpacing: Theme.s2
        uniformCellWidths: true

        Repeater {
            model: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "delete", "0"]

            BigButton {
                required property string modelData

                objectName: "key." + modelData
                Layout.fillWidth: true
                Layout.preferredHeight: page.keyHeight
                text: modelData === "delete" ? Kiosk.word("keypad.delete") : modelData
                fontSize: modelData === "delete" ? Theme.label : Theme.heading
                onClicked: page.press(modelData)
            }
        }
    }
}
