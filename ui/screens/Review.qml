pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// Everything on one page, each value with its way to change it.
Page {
    id: page

    readonly property int count: view.rows.length
    readonly property int columns: landscape ? 2 : 1
    readonly property int lines: Math.ceil(count / columns)
    readonly property real lineHeight: Math.min(
        landscape ? 190 : Theme.largeText ? 168 : 142,
        (bodyHeight - personHeight - Theme.s3 - 16) / Math.max(1, lines))
    readonly property real personHeight: landscape ? 104 : Theme.hugeText ? 190 : 160

    title: Kiosk.word("review.title")
    lead: Theme.hugeText && count > 4 ? "" : Kiosk.word("review.lead")
    wide: true
    bar.mainText: Kiosk.word("review.right")
    bar.mainSymbol: "check"

    explain: [
        Rectangle {
            Layout.fillWidth: true
            Layout.preferredHeight: page.personHeight
            radius: Theme.radius
            color: Theme.tealBg
            border.width: Theme.cardStroke
            border.color: Theme.line

            Icon {
                name: "person"
                color: Theme.teal
                size: 84
                x: 40
                anchors.verticalCenter: parent.verticalCenter
            }
            Column {
                x: 164
                width: parent.width - x - 32
                anchors.verticalCenter: parent.verticalCenter

                Label {
                    width: parent.width
                    text: Kiosk.word("review.person")
                    font.pixelSize: Math.min(Theme.caption, 40)
                    color: Theme.inkSoft
                    lineHeight: 1
                }
                Label {
                    width: parent.width
                    height: Math.min(implicitHeight, page.personHeight - 54)
                    text: page.view.person
                    fit: true
                    font.pixelSize: page.landscape ? Theme.body : Theme.heading
                    weight: Font.DemiBold
                    lineHeight: 0.98
                }
            }
        },
        RowLayout {
            id: papers
            visible: page.explainHeight - page.personHeight - Theme.s3 >= 200
                     && page.view.pages.length > 0
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.maximumHeight: 360
            spacing: Theme.s3

            Repeater {
                model: Math.min(4, page.view.pages.length)

                Rectangle {
                    id: paper
                    required property int index

                    Layout.fillHeight: true
                    Layout.preferredWidth: height * 0.71
                    color: Theme.quietZone
                    border.width: 2
                    border.color: Theme.line

                    Image {
                        anchors.fill: parent
                        anchors.margins: 4
                        source: page.view.pages[paper.index]?.image ?? ""
                        cache: false
                        fillMode: Image.PreserveAspectFit
                        Accessible.role: Accessible.Graphic
                        Accessible.name: Kiosk.say("page_number", { number: paper.index + 1 })
                    }
                }
            }
            Label {
                Layout.fillWidth: true
                text: Kiosk.say("review.pages", { count: page.view.pages.length })
                weight: Font.DemiBold
                font.pixelSize: Theme.label
                color: Theme.inkSoft
            }
        },
        Item {
            visible: page.explainHeight > page.personHeight + Theme.s3
            Layout.fillHeight: true
        }
    ]
    act: Panel {
        Layout.fillWidth: true
        implicitHeight: page.lines * page.lineHeight + 16

        Item {
            x: 8
            y: 8

            Repeater {
                model: page.count

                Item {
                    id: line
                    required property int index
                    readonly property var entry: page.view.rows[index] ?? page.view.rows[0]

                    x: Math.floor(index / page.lines) * width
                    y: index % page.lines * height
                    width: (page.innerWidth - 16) / page.columns
                    height: page.lineHeight

                    Rectangle {
                        visible: line.index % page.lines > 0
                        x: 24
                        width: parent.width - 48
                        height: Theme.stroke
                        color: Theme.hair
                    }
                    Column {
                        x: 28
                        width: (change.visible ? change.x : parent.width) - x - 20
                        anchors.verticalCenter: parent.verticalCenter

                        Label {
                            id: name
                            width: parent.width
                            height: Math.min(implicitHeight, line.height * 0.42)
                            text: line.entry.label
                            fit: true
                            font.pixelSize: Math.min(Theme.caption, 40)
                            minimumPixelSize: 28
                            color: Theme.inkSoft
                            lineHeight: 1
                        }
                        Label {
                            readonly property bool tiny: fontInfo.pixelSize < Theme.smallest
                            onTinyChanged: page.crowded += tiny ? 1 : -1
                            width: parent.width
                            height: Math.min(implicitHeight, line.height - name.height - 2)
                            text: line.entry.value
                            fit: true
                            minimumPixelSize: 28
                            weight: Font.DemiBold
                            lineHeight: 0.98
                        }
                    }
                    BigButton {
                        id: change
                        objectName: "edit." + line.entry.edit
                        visible: line.entry.edit !== ""
                        x: parent.width - width - 12
                        anchors.verticalCenter: parent.verticalCenter
                        width: Theme.hugeText ? 232 : 208
                        height: Math.min(120, line.height - 16)
                        text: Kiosk.word("review.edit")
                        symbol: "pencil"
                        Accessible.name: text + ": " + line.entry.label
                        onClicked: Kiosk.edit(line.entry.edit)
                    }
                }
            }
        }
    }
}
