import QtQuick
import QtQuick.Layouts
import ui.theme
import ui.components

// What will be used, what for, how long: said before it is asked for.
Page {
    id: page

    readonly property bool face: view.purpose === "face"
    // Large text lying down has no room for all points at once: then they come in two parts, and
    // only after the second can anybody agree.
    readonly property int most: landscape && Theme.wantedScale > 1.2 ? 2 : view.points.length
    readonly property bool last: part * most + most >= view.points.length
    property int part: 0

    title: view.title
    lead: Kiosk.word("consent.lead")
    bar.mainText: Kiosk.word(last ? "consent.agree" : "consent.more")
    bar.mainSymbol: last ? "check" : "right"

    onMostChanged: part = 0
    onFaceChanged: part = 0

    function shown(points: var): var {
        return Array.from(points).slice(part * most, (part + 1) * most);
    }

    function goOn(): void {
        if (last)
            Kiosk.next();
        else
            part += 1;
    }
    function goBack(): void {
        if (part > 0)
            part -= 1;
        else
            Kiosk.back();
    }

    explain: [
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            Picture {
                readonly property real room: Math.min(parent.height - 16, 400)
                visible: room >= 120
                name: page.face ? "face_oval" : "data_safe"
                size: Math.max(120, room)
                anchors.centerIn: parent
            }
        },
        Banner {
            visible: text !== ""
            Layout.fillWidth: true
            text: page.view.fee ?? ""
        }
    ]
    act: Panel {
        Layout.fillWidth: true
        implicitHeight: points.height + 2 * points.y

        NumberedList {
            id: points
            x: 40
            y: page.tight ? 24 : 40
            spacing: page.tight ? 10 : 18
            width: parent.width - 80
            items: page.shown(page.view.points)
            symbol: "check"
        }
    }
}
