pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// What brings you here? Six cards at most; three or fewer are given a whole row each.
Page {
    id: page

    readonly property int count: view.cards.length
    readonly property bool few: count <= 3
    readonly property int columns: landscape ? (few ? Math.max(1, count) : 3)
                                 : few || Theme.largeText ? 1 : 2
    readonly property bool list: columns === 1
    readonly property int rows: Math.ceil(count / columns)
    readonly property real cardHeight: Math.min(
        few ? [400, 400, 300, 240][count] : list ? 240 : 264,
        (bodyHeight - (rows - 1) * Theme.s2) / Math.max(1, rows))

    title: Kiosk.word("choose.title")
    lead: view.office || Kiosk.word("choose.lead")
    big: !landscape && !Theme.largeText
    wide: true
    bar.backText: Kiosk.word("leave")

    function goBack(): void {
        Kiosk.leave();
    }

    explain: Banner {
        visible: page.explainHeight >= implicitHeight
        Layout.fillWidth: true
        text: Kiosk.word("choose.unsure")
    }
    act: GridLayout {
        Layout.fillWidth: true
        columns: page.columns
        columnSpacing: Theme.s3
        rowSpacing: Theme.s2
        uniformCellWidths: true

        Repeater {
            model: page.count

            ChoiceCard {
                required property int index
                readonly property var entry: page.view.cards[index] ?? page.view.cards[0]

                objectName: "card." + entry.procedure
                Layout.fillWidth: true
                Layout.preferredHeight: page.cardHeight
                picture: entry.picture
                title: entry.title
                hint: entry.hint
                wide: page.list
                pictureSize: page.list ? Math.min(240, height * 0.62)
                           : Math.min(page.few ? 130 : 76, height * 0.32)
                onClicked: Kiosk.choose(entry.procedure)
            }
        }
    }
}
