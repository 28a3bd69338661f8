import QtQuick
import ui.theme

// "Trợ giúp": start again, call staff, or go on as before.
Sheet {
    id: help

    title: Kiosk.word("help.title")
    lead: Kiosk.word("help.lead")

    BigButton {
        objectName: "help.close"
        width: parent.width
        kind: "primary"
        text: Kiosk.word("help.close")
        symbol: "left"
        onClicked: Kiosk.helpOpen = false
    }
    BigButton {
        objectName: "help.staff"
        width: parent.width
        text: Kiosk.word("staff")
        symbol: "hand"
        onClicked: {
            Kiosk.helpOpen = false;
            Kiosk.callStaff();
        }
    }
    BigButton {
        objectName: "help.restart"
        width: parent.width
        text: Kiosk.word("help.restart")
        symbol: "home"
        onClicked: {
            Kiosk.helpOpen = false;
            Kiosk.leave();
        }
    }
    Label {
        width: parent.width
        text: Kiosk.word("help.restart_hint")
        font.pixelSize: Theme.caption
        color: Theme.inkSoft
    }
}
