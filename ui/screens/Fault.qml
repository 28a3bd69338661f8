import QtQuick
import QtQuick.Layouts
import ui.components

// Trouble: what happened, what you do, what was kept, and at least one way on.
Page {
    id: page

    // Not every stop is trouble: news such as "staff is coming" only wants to be read.
    readonly property bool news: has("continue")
    readonly property string main: news ? "continue" : has("retry") ? "retry" : has("paper-out") ? "paper-out" : ""
    readonly property string aside: has("later") ? "later" : has("skip") ? "skip" : ""

    function has(action: string): bool {
        return view.actions.indexOf(action) >= 0;
    }

    showProgress: false
    share: 0.4
    // Left seat: a way round the trouble, or back. Centre: staff. Right: try again.
    bar.backText: aside !== "" ? Kiosk.word("action." + aside)
                : view.can_go_back ? Kiosk.word("back") : ""
    bar.backName: aside !== "" ? "action." + aside : "back"
    bar.backSymbol: aside === "later" ? "clock" : aside === "skip" ? "right" : "left"
    bar.callName: has("staff") ? "action.staff" : "staff"
    bar.callFirst: main === ""
    bar.mainName: "action." + main
    bar.mainText: main !== "" ? Kiosk.word("action." + main) : ""
    bar.mainSymbol: news ? "right" : main === "paper-out" ? "check" : "refresh"

    function goBack(): void {
        if (aside !== "")
            Kiosk.choose(aside);
        else
            Kiosk.back();
    }
    function callStaff(): void {
        if (has("staff"))
            Kiosk.choose("staff");
        else
            Kiosk.callStaff();
    }
    function goOn(): void {
        Kiosk.choose(main);
    }

    explain: FaultBanner {
        Layout.fillWidth: true
        Layout.fillHeight: true
        picture: page.view.picture
        title: page.view.title
        comfort: page.news ? "" : Kiosk.word("fault.comfort")
        tone: page.news ? "ok" : "fault"
    }
    act: [
        Three {
            Layout.fillWidth: true
            close: page.tight
            happened: page.view.happened
            todo: page.view.todo
            kept: page.view.kept
        },
        BigButton {
            objectName: "action.camera"
            visible: page.has("camera")
            Layout.fillWidth: true
            Layout.preferredHeight: 120
            text: Kiosk.word("action.camera")
            symbol: "camera"
            onClicked: Kiosk.choose("camera")
        },
        BigButton {
            objectName: "action.other"
            visible: page.has("other")
            Layout.fillWidth: true
            Layout.preferredHeight: 120
            text: Kiosk.word("action.other")
            symbol: "person"
            onClicked: Kiosk.choose("other")
        },
        BigButton {
            objectName: "action.skip"
            visible: page.has("skip") && page.aside !== "skip"
            Layout.fillWidth: true
            Layout.preferredHeight: 120
            text: Kiosk.word("action.skip")
            symbol: "right"
            onClicked: Kiosk.choose("skip")
        }
    ]
}
