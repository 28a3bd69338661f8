pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// What came of it, in a sentence; the page with its marks, each first one close up; the facts.
Page {
    id: page

    readonly property var marks: view.marks
    readonly property var closeUps: view.close_ups
    readonly property bool large: Theme.wantedScale > 1.2
    // Beside large close-ups two facts have to do: the number and the code, by which it is found.
    readonly property var facts: large && closeUps.length > 0 && view.facts.length > 3
                                 ? [view.facts[0], view.facts[3]] : view.facts
    // Of a close-up that is no picture nobody sees anything: rather fewer of them.
    readonly property int leastCloseUp: Theme.caption + 116
    readonly property int shown: landscape ? closeUps.length : Math.max(1, Math.min(
        closeUps.length, Math.floor((paper.height - more.height) / (leastCloseUp + Theme.s2))))
    readonly property bool pictured: (view.picture ?? "") !== ""

    title: view.title
    lead: pictured && !landscape ? Kiosk.word("check.take_back") : ""
    showProgress: false
    bar.backText: Kiosk.word("check.again")
    bar.backSymbol: "refresh"
    bar.backName: "again"
    bar.mainText: Kiosk.word("check.finish")
    bar.mainSymbol: "check"

    function goBack(): void {
        Kiosk.choose("again");
    }

    component CloseUp: Rectangle {
        id: closeUp
        required property int index

        objectName: "close-up"
        Layout.fillWidth: true
        Layout.minimumHeight: page.leastCloseUp
        Layout.maximumHeight: width / 3 + spot.height + 24
        color: Theme.quietZone
        radius: 12
        border.width: 4
        border.color: Theme.markInk

        Image {
            anchors.fill: parent
            anchors.margins: 10
            anchors.topMargin: spot.height + 8
            source: page.closeUps[closeUp.index] ?? ""
            cache: false
            fillMode: Image.PreserveAspectFit
            Accessible.role: Accessible.Graphic
            Accessible.name: spot.text
        }
        Label {
            id: spot
            x: 16
            y: 4
            text: Kiosk.say("check.spot", { number: closeUp.index + 1 })
            font.pixelSize: Theme.caption
            weight: Font.DemiBold
            color: Theme.markInk
            lineHeight: 1
        }
    }

    component More: Label {
        visible: page.marks.length > page.shown
        Layout.fillWidth: true
        text: Kiosk.say("check.more", { count: page.marks.length - page.shown })
        font.pixelSize: Theme.caption
        color: Theme.inkSoft
        lineHeight: 1
    }

    explain: [
        Banner {
            id: said
            Layout.fillWidth: true
            tone: page.view.tone
            text: page.view.lead
        },
        RowLayout {
            id: paper
            visible: page.pictured && page.explainHeight - said.height >= 240
            Layout.fillWidth: true
            Layout.fillHeight: true
            spacing: Theme.s3

            Item {
                Layout.fillHeight: true
                Layout.fillWidth: page.landscape || page.closeUps.length === 0
                Layout.preferredWidth: height * 0.71

                Image {
                    id: sheet
                    anchors.fill: parent
                    source: page.view.picture ?? ""
                    cache: false
                    fillMode: Image.PreserveAspectFit
                    Accessible.role: Accessible.Graphic
                    Accessible.name: Kiosk.word("check.picture")
                }
                Rectangle {
                    anchors.centerIn: parent
                    width: sheet.paintedWidth
                    height: sheet.paintedHeight
                    color: "transparent"
                    border.width: 2
                    border.color: Theme.line

                    Repeater {
                        model: page.marks.length

                        Rectangle {
                            id: mark
                            required property int index
                            readonly property var place: page.marks[index] ?? page.marks[0]

                            // Never smaller than can be seen: a comma is two pixels here.
                            x: place.left * parent.width - 8
                            y: place.top * parent.height - 8
                            width: place.width * parent.width + 16
                            height: place.height * parent.height + 16
                            radius: 6
                            color: "transparent"
                            border.width: 5
                            border.color: Theme.markInk
                        }
                    }
                }
            }
            ColumnLayout {
                visible: page.closeUps.length > 0 && !page.landscape
                Layout.fillWidth: true
                Layout.fillHeight: true
                spacing: Theme.s2

                Repeater {
                    model: page.shown

                    CloseUp {
                        Layout.fillHeight: true
                    }
                }
                More {
                    id: more
                }
            }
        },
        Item {
            visible: !page.pictured
            Layout.fillHeight: true
        }
    ]
    act: [
        RowLayout {
            visible: page.closeUps.length > 0 && page.landscape
            Layout.fillWidth: true
            spacing: Theme.s2
            uniformCellSizes: true

            Repeater {
                model: page.landscape ? page.shown : 0

                CloseUp {
                    Layout.preferredHeight: 176
                }
            }
        },
        More {
            visible: page.landscape && page.marks.length > page.shown
        },
        Label {
            visible: page.pictured && page.landscape
            Layout.fillWidth: true
            text: Kiosk.word("check.take_back")
            lineHeight: 1
        },
        Label {
            visible: text !== ""
            Layout.fillWidth: true
            text: page.view.picture_title ?? ""
            font.pixelSize: Theme.caption
            color: Theme.inkSoft
            lineHeight: 1
        },
        Panel {
            visible: page.facts.length > 0
            Layout.fillWidth: true
            implicitHeight: facts.height + 48

            GridLayout {
                id: facts
                x: 28
                y: 24
                width: parent.width - 56
                columns: 2
                columnSpacing: Theme.s3
                rowSpacing: Theme.s2

                Repeater {
                    model: page.facts.length

                    Column {
                        id: fact
                        required property int index
                        readonly property var entry: page.facts[index]
                                                     ?? { label: "", value: "" }

                        // The code on the right has no place where it may break.
                        Layout.preferredWidth: index % 2 === 0 ? 4 : 5
                        Layout.fillWidth: true
                        Layout.alignment: Qt.AlignTop

                        Label {
                            width: parent.width
                            text: fact.entry.label
                            font.pixelSize: Theme.caption
                            color: Theme.inkSoft
                            lineHeight: 1
                        }
                        Label {
                            width: parent.width
                            text: fact.entry.value
                            font.pixelSize: page.landscape || page.large ? Theme.caption : Theme.body
                            weight: Font.DemiBold
                            lineHeight: 1
                        }
                    }
                }
            }
        }
    ]
}
