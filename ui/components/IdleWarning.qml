import QtQuick
import ui.theme

// Nobody has touched the screen for a while. No falling numbers: they frighten more than they help.
Sheet {
    title: Kiosk.word("idle.title")
    lead: Kiosk.word("idle.lead")
    picture: "help_person"

    BigButton {
        objectName: "touch"
        width: parent.width
        height: 200
        kind: "primary"
        text: Kiosk.word("idle.stay")
        symbol: "hand"
        fontSize: Theme.heading
        onClicked: Kiosk.touch()
    }
}
