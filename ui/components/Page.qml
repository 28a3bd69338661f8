import QtQuick
import QtQuick.Layouts
import ui.theme

// Frame of every citizen screen: what is asked and shown above (in landscape: left), what is
// touched below (right). The view of the step comes in as `view`; see kiosk/views.py.
Rectangle {
    id: page

    required property var view

    property string title: ""
    property string lead: ""
    property bool big: false          // display type, for a screen with a single question
    property bool wide: false         // landscape: `act` runs across, below `explain`
    property bool actFills: false     // nothing to explain: `act` takes all the room
    property real share: 0.5          // landscape: left column's part of the width
    property bool showProgress: true
    property bool showBars: true

    property alias bar: bar
    property alias explain: explainBox.data
    property alias act: actBox.data
    readonly property alias explainHeight: explainBox.height

    readonly property bool landscape: width > height
    readonly property bool tight: landscape || Theme.wantedScale > 1
    readonly property real innerWidth: width - 2 * Theme.margin
    readonly property real gap: landscape ? 56 : Theme.s3
    readonly property real leftWidth: landscape ? (innerWidth - gap) * share : innerWidth
    readonly property real rightX: landscape ? Theme.margin + leftWidth + gap : Theme.margin
    readonly property real rightWidth: landscape ? innerWidth - leftWidth - gap : innerWidth
    readonly property bool stepped: showProgress && view.steps > 1 && view.step > 0
    readonly property real headTop: topBar.height + (landscape ? 24 : 28)
    readonly property real headBottom: head.y + head.height
    readonly property real progressBottom: stepped ? progress.y + progress.height : headTop
    readonly property real bodyTop: landscape && !wide ? progressBottom + 20
                                  : Math.max(headBottom, progressBottom) + Theme.s3
    readonly property real bodyBottom: foot.y - (landscape ? 24 : tight ? 28 : 44)
    readonly property real bodyHeight: bodyBottom - bodyTop

    // What the three seats mean; a screen may say otherwise.
    function goBack(): void {
        Kiosk.back();
    }
    function callStaff(): void {
        Kiosk.callStaff();
    }
    function goOn(): void {
        Kiosk.next();
    }

    // Pixels that are missing, and lines that had to be set too small: above 0, text must shrink.
    property int crowded: 0
    readonly property real overflow: 2 * crowded + Math.max(
        0, actBox.implicitHeight - bodyHeight, explainBox.implicitHeight - explainBox.height)

    color: Theme.paper
    Accessible.role: Accessible.Pane
    Accessible.name: title

    TopBar {
        id: topBar
        visible: page.showBars
        width: parent.width
        landscape: page.landscape
    }
    StepProgress {
        id: progress
        visible: page.stepped
        x: page.rightX
        y: page.headTop
        width: page.rightWidth
        step: page.view.step
        total: page.view.steps
        name: page.view.step_name ?? ""
    }
    Column {
        id: head
        x: Theme.margin
        y: page.landscape ? page.headTop
         : page.stepped ? page.progressBottom + (Theme.hugeText ? 16 : 36) : page.headTop + 16
        width: page.leftWidth
        spacing: Theme.s1

        Label {
            objectName: "title"
            width: parent.width
            visible: text !== ""
            text: page.title
            font.pixelSize: page.big ? Theme.display : Theme.heading
            weight: Font.Bold
            lineHeight: 1
            Accessible.role: Accessible.Heading
        }
        Label {
            width: parent.width
            visible: text !== ""
            text: page.lead
            color: Theme.inkSoft
        }
    }
    ColumnLayout {
        id: explainBox
        x: Theme.margin
        y: page.wide ? page.bodyTop : page.headBottom + Theme.s3
        width: page.landscape && !page.wide ? page.leftWidth : page.innerWidth
        height: Math.max(0, (page.landscape && !page.wide
                             ? page.bodyBottom : actBox.y - Theme.s3) - y)
        spacing: Theme.s3
    }
    ColumnLayout {
        id: actBox
        x: page.wide ? Theme.margin : page.rightX
        y: page.bodyBottom - height
        width: page.wide ? page.innerWidth : page.rightWidth
        height: page.actFills ? page.bodyHeight : implicitHeight
        spacing: Theme.s2
    }
    Rectangle {
        id: foot
        visible: page.showBars
        y: bar.y - Theme.s3
        width: parent.width
        height: parent.height - y
        color: Theme.paperDeep

        Rectangle {
            width: parent.width
            height: Theme.stroke
            color: Theme.hair
        }
    }
    BottomBar {
        id: bar
        visible: page.showBars
        x: Theme.margin
        y: page.landscape ? page.height - height - 20 : tools.y - Theme.s2 - height
        width: page.innerWidth
        height: page.landscape ? 124 : implicitHeight
        stacked: Theme.hugeText && !page.landscape
        backText: page.view.can_go_back ? Kiosk.word("back") : ""
        callText: Kiosk.word("staff")
        onBack: page.goBack()
        onCall: page.callStaff()
        onMain: page.goOn()
    }
    Loader {
        id: tools
        active: page.showBars && !page.landscape
        y: page.height - height
        width: parent.width
        height: page.landscape ? 0 : 104

        sourceComponent: ToolStrip {}
    }
}
