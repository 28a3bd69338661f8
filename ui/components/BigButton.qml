import QtQuick
import ui.theme

// kind: "primary" (the next action, one per screen), "teal" (the repair we recommend), "secondary".
Touchable {
    id: button

    property string kind: "secondary"
    property string symbol: ""
    property bool symbolRight: false
    property bool stacked: false
    property int fontSize: Theme.label

    readonly property bool filled: kind === "primary" || (kind === "teal" && !Theme.highContrast)
    readonly property color ground: kind === "primary" ? Theme.primary
                                  : filled ? Theme.teal : Theme.surface
    readonly property color words: kind === "primary" ? Theme.primaryInk
                                 : filled ? Theme.tealInk
                                 : kind === "teal" ? Theme.teal : Theme.ink
    readonly property color edge: kind === "primary" ? Theme.primaryLip
                                : kind === "teal" ? Theme.teal : Theme.line
    // One line, always: a long word in a narrow seat takes smaller type instead of being cut.
    readonly property real room: width - 36 - (symbol !== "" && !stacked ? fontSize + 14 : 0)
    readonly property int fitted: Math.max(24, Math.min(fontSize,
        Math.floor(fontSize * room / Math.max(1, measure.advanceWidth + 2))))

    implicitHeight: Theme.buttonHeight
    implicitWidth: 300

    TextMetrics {
        id: measure
        text: button.text
        font.family: Theme.family
        font.weight: Font.DemiBold
        font.pixelSize: button.fontSize
    }

    background: Rectangle {
        radius: Theme.radius
        color: button.edge

        Rectangle {
            anchors.fill: parent
            anchors.topMargin: button.down ? Theme.lip : 0
            anchors.bottomMargin: button.down ? 0 : Theme.lip
            radius: Theme.radius
            color: button.down && !button.filled ? Theme.tealBg : button.ground
            border.width: button.down && Theme.highContrast ? 10 : Theme.stroke
            border.color: button.edge
        }
    }

    contentItem: Item {
        Grid {
            anchors.centerIn: parent
            anchors.verticalCenterOffset: button.down ? Theme.lip / 2 : -Theme.lip / 2
            columns: button.stacked ? 1 : 2
            columnSpacing: 14
            rowSpacing: 2
            layoutDirection: button.symbolRight ? Qt.RightToLeft : Qt.LeftToRight
            horizontalItemAlignment: Grid.AlignHCenter
            verticalItemAlignment: Grid.AlignVCenter

            Icon {
                visible: button.symbol !== ""
                name: button.symbol
                color: button.words
                size: Math.round(button.fitted * 1.05)
                stroke: 4.6
            }
            Label {
                text: button.text
                color: button.words
                weight: Font.DemiBold
                font.pixelSize: button.fitted
                wrapMode: Text.NoWrap
                lineHeight: 1
                Accessible.ignored: true
            }
        }
    }
}
