pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// How do you want to be known? A card for each way that works now. Also: why does staff vouch?
Page {
    id: page

    readonly property int count: view.ways.length
    // Upright, all of them lie where a wheelchair reaches.
    readonly property real room: landscape ? bodyHeight : bodyBottom - 0.4 * height
    readonly property real cardHeight: Math.min(landscape ? 240 : 264,
        (room - (count - 1) * Theme.s2) / Math.max(1, count))

    title: Kiosk.word(view.purpose + ".title")
    lead: Kiosk.word(view.purpose + ".lead")

    explain: Banner {
        visible: text !== "" && page.explainHeight >= implicitHeight
        Layout.fillWidth: true
        tone: "warn"
        text: page.view.notice ?? ""
    }
    act: ColumnLayout {
        Layout.fillWidth: true
        spacing: Theme.s2

        Repeater {
            model: page.count

            ChoiceCard {
                required property int index
                readonly property var entry: page.view.ways[index] ?? page.view.ways[0]

                objectName: "way." + entry.name
                Layout.fillWidth: true
                Layout.preferredHeight: page.cardHeight
                picture: entry.picture
                title: entry.title
                hint: entry.hint
                wide: true
                pictureSize: Math.min(200, height * 0.62)
                onClicked: Kiosk.choose(entry.name)
            }
        }
    }
}
