import QtQuick
import QtQuick.Templates as T
import ui.theme

// Anything that can be touched: also reached by Tab, worked by Enter or Space, and read aloud.
T.AbstractButton {
    id: control

    property string hint: ""
    property real corner: Theme.radius

    focusPolicy: Qt.TabFocus
    Accessible.role: Accessible.Button
    Accessible.name: text
    Accessible.description: hint
    Keys.onReturnPressed: click()
    Keys.onEnterPressed: click()

    Rectangle {
        visible: control.visualFocus
        anchors.fill: parent
        anchors.margins: -8
        z: 1
        color: "transparent"
        radius: control.corner + 8
        border.width: 6
        border.color: Theme.teal
    }
}
