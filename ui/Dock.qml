pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import ui.components
import ui.theme

// A tool for whoever shows the kiosk, not for citizens: small letters, one window, no steps.
Window {
    id: dock

    required property var panels
    property var lights: ({})
    signal pressed(string device, string name)

    readonly property int edge: 14
    readonly property int small: 14

    title: "Device dock"
    width: 420
    height: column.implicitHeight + 2 * edge
    color: Theme.paper
    visible: true

    ColumnLayout {
        id: column
        anchors { left: parent.left; right: parent.right; top: parent.top; margins: dock.edge }
        spacing: dock.edge

        Repeater {
            model: dock.panels
            delegate: Rectangle {
                id: panel
                required property var modelData
                readonly property var light: dock.lights[modelData.device] ?? ({
                        "told": "",
                        "fine": true
                    })

                Layout.fillWidth: true
                implicitHeight: inside.implicitHeight + 2 * dock.edge
                color: Theme.surface
                radius: 10
                border.color: Theme.hair

                ColumnLayout {
                    id: inside
                    anchors { fill: parent; margins: dock.edge }
                    spacing: 8

                    RowLayout {
                        spacing: 8
                        Rectangle {
                            implicitWidth: 12
                            implicitHeight: 12
                            radius: panel.light.fine ? 6 : 2
                            color: panel.light.fine ? Theme.success : Theme.fault
                        }
                        Text {
                            text: panel.modelData.title
                            color: Theme.ink
                            font { family: Theme.family; pixelSize: 17; weight: Font.DemiBold }
                        }
                        Text {
                            objectName: panel.modelData.device + ".told"
                            Layout.fillWidth: true
                            horizontalAlignment: Text.AlignRight
                            elide: Text.ElideLeft
                            text: panel.light.told
                            color: panel.light.fine ? Theme.inkSoft : Theme.fault
                            font { family: Theme.family; pixelSize: dock.small }
                        }
                    }
                    Flow {
                        Layout.fillWidth: true
                        spacing: 8
                        Repeater {
                            model: panel.modelData.buttons
                            delegate: Touchable {
                                id: button
                                required property var modelData
                                objectName: panel.modelData.device + "." + modelData.name
                                text: modelData.label
                                corner: 6
                                leftPadding: 12
                                rightPadding: 12
                                topPadding: 7
                                bottomPadding: 7
                                background: Rectangle {
                                    radius: 6
                                    color: button.down ? Theme.hair : button.modelData.bad ? Theme.faultBg : Theme.successBg
                                    border.color: button.modelData.bad ? Theme.fault : Theme.success
                                }
                                contentItem: Text {
                                    text: button.text
                                    color: button.modelData.bad ? Theme.fault : Theme.success
                                    font { family: Theme.family; pixelSize: dock.small; weight: Font.Medium }
                                }
                                implicitWidth: implicitContentWidth + leftPadding + rightPadding
                                implicitHeight: implicitContentHeight + topPadding + bottomPadding
                                onClicked: dock.pressed(panel.modelData.device, modelData.name)
                            }
                        }
                    }
                }
            }
        }
    }
}
