import QtQuick
import ui.theme

// Three seats that never move: back left, staff centre, the next action right. An unused seat
// stays empty. callFirst: calling staff is the next action and takes two seats.
Item {
    id: bar

    property string backText: ""
    property string backSymbol: "left"
    property string backName: "back"
    property string callText: ""
    property string callName: "staff"
    property bool callFirst: false
    property string mainText: ""
    property string mainSymbol: "right"
    property string mainName: "main"
    property bool stacked: false

    readonly property real unit: (width - 2 * Theme.s3) / 984

    signal back
    signal call
    signal main

    implicitHeight: stacked ? 160 : Theme.buttonHeight

    BigButton {
        objectName: bar.backName
        visible: bar.backText !== ""
        width: 270 * bar.unit
        height: bar.height
        text: bar.backText
        symbol: bar.backSymbol
        stacked: bar.stacked
        fontSize: Theme.seat
        onClicked: bar.back()
    }
    BigButton {
        objectName: bar.callName
        visible: bar.callText !== ""
        x: 270 * bar.unit + Theme.s3
        width: bar.callFirst ? bar.width - x : 334 * bar.unit
        height: bar.height
        text: bar.callText
        symbol: "hand"
        kind: bar.callFirst ? "primary" : "secondary"
        stacked: bar.stacked
        fontSize: bar.callFirst ? Theme.body : Theme.seat
        onClicked: bar.call()
    }
    BigButton {
        objectName: bar.mainName
        visible: bar.mainText !== "" && !bar.callFirst
        x: 604 * bar.unit + 2 * Theme.s3
        width: 380 * bar.unit
        height: bar.height
        text: bar.mainText
        symbol: bar.mainSymbol
        symbolRight: bar.mainSymbol === "right"
        kind: "primary"
        stacked: bar.stacked
        fontSize: Theme.body
        onClicked: bar.main()
    }
}
