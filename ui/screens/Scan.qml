pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// Put the papers in, look at what was scanned, scan one again, go on.
Page {
    id: page

    readonly property var pages: view.pages
    readonly property bool busy: view.state === "scanning" || view.state === "reading"
    readonly property bool settled: !busy && pages.length > 0
    // Two pages are shown: those to be scanned again come first, then the newest.
    readonly property var shown: pages.map((entry, place) => ({ entry, place }))
        .sort((a, b) => (b.entry.redo - a.entry.redo) || (b.place - a.place))
        .slice(0, 2).sort((a, b) => a.place - b.place).map(item => item.entry)

    readonly property var none: ({ number: 0, image: "", verdict: "", redo: false })

    wide: landscape && pages.length === 0
    title: Kiosk.word("scan.title")
    lead: pages.length === 0 ? Kiosk.word("scan.lead_first") : Kiosk.word("scan.lead")
    bar.backText: busy || !view.can_go_back ? "" : Kiosk.word("back")
    bar.mainText: settled ? Kiosk.word("scan.enough") : ""

    function statusText(): string {
        if (view.state === "waiting" && pages.length === 0)
            return Kiosk.word("scan.waiting");
        return Kiosk.say("scan." + (view.state === "waiting" ? "waiting_more" : view.state),
                         { number: pages.length + 1, count: view.reading });
    }

    explain: [
        Panel {
            id: frame
            Layout.fillWidth: true
            Layout.fillHeight: true
            clip: true

            readonly property real art: Math.max(120, Math.min(440, height - status.height - 72))

            Item {
                id: lesson
                visible: frame.height - status.height >= 170
                width: frame.art
                height: frame.art
                anchors.horizontalCenter: parent.horizontalCenter
                y: (frame.height - height - status.height - 24) / 2

                Item {
                    width: parent.width
                    height: parent.height * 0.68
                    clip: true

                    Picture {
                        id: sheet
                        name: "paper_sheet"
                        size: frame.art
                        y: -0.12 * frame.art

                        SequentialAnimation on y {
                            loops: Animation.Infinite
                            running: !Theme.reduceMotion && page.view.state !== "done"

                            NumberAnimation {
                                from: -0.25 * frame.art
                                to: 0.22 * frame.art
                                duration: Theme.lesson * 0.6
                                easing.type: Easing.InOutQuad
                            }
                            PauseAnimation {
                                duration: Theme.lesson * 0.4
                            }
                        }
                    }
                }
                Picture {
                    name: "scanner_base"
                    size: frame.art
                }
            }
            StatusLine {
                id: status
                width: parent.width
                anchors.bottom: parent.bottom
                anchors.bottomMargin: 28
                text: page.statusText()
                symbol: page.view.state === "done" ? "check" : ""
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            tone: "warn"
            text: page.view.problem ?? ""
        }
    ]
    act: [
        Label {
            visible: page.pages.length > 0
            Layout.fillWidth: true
            text: Kiosk.say("scan.count", { count: page.pages.length })
            weight: Font.DemiBold
            font.pixelSize: Theme.label
        },
        RowLayout {
            visible: page.pages.length > 0
            Layout.fillWidth: true
            spacing: Theme.s3
            uniformCellSizes: true

            Repeater {
                model: page.shown.length

                PaperThumb {
                    required property int index
                    // For a moment there may be none: the only page was removed.
                    readonly property var entry: page.shown[index] ?? page.none

                    Layout.fillWidth: true
                    Layout.fillHeight: true
                    number: entry.number
                    source: entry.image
                    verdict: entry.verdict
                    redoAdvised: entry.redo
                    redoPossible: page.settled
                    onRedo: Kiosk.redo(entry.number)
                    onRemove: Kiosk.remove(entry.number)
                }
            }
            Item {
                visible: page.shown.length === 1
                Layout.fillWidth: true
            }
        }
    ]
}
