import QtQuick
import ui.theme
import ui.components

// The window: one screen at a time on the design grid, scaled to the display, sheets above it.
Window {
    id: window

    required property real gridWidth
    required property real gridHeight

    // Untyped: a cast to Page fails as soon as a second QML engine lives in the process.
    readonly property var page: loader.item

    color: Theme.paper

    Item {
        id: grid
        width: window.gridWidth
        height: window.gridHeight
        transformOrigin: Item.TopLeft
        scale: Math.min(window.width / width, window.height / height)
        x: (window.width - width * scale) / 2
        y: (window.height - height * scale) / 2

        Image {
            visible: loader.status !== Loader.Ready
            anchors.centerIn: parent
            width: 340
            height: 340
            source: Theme.picture("lotus")
            sourceSize: Qt.size(340, 340)
        }
        Loader {
            id: loader
            anchors.fill: parent
            // A second touch of the same finger must not answer the screen that just came.
            enabled: !fade.running && !help.visible && !idle.visible
        }
        HelpSheet {
            id: help
            anchors.fill: parent
            visible: Kiosk.helpOpen && !idle.visible
        }
        IdleWarning {
            id: idle
            anchors.fill: parent
            visible: Kiosk.warningSeconds >= 0
        }
        // Sees every press first and lets it through: somebody is there.
        Item {
            anchors.fill: parent

            PointHandler {
                onActiveChanged: if (active) Kiosk.touch()
            }
        }
    }

    NumberAnimation {
        id: fade
        target: loader
        property: "opacity"
        from: 0
        to: 1
        duration: Theme.calm
    }
    Timer {
        interval: 1000
        running: true
        repeat: true
        onTriggered: Kiosk.now = new Date()
    }

    Connections {
        target: Kiosk

        function onViewChanged(): void {
            if (window.continues())
                window.page.view = Kiosk.view;
            else
                window.open();
        }
        function onWordsChanged(): void {
            window.startFitting();
        }
    }
    Connections {
        target: Theme

        function onWantedScaleChanged(): void {
            window.startFitting();
        }
    }
    // The largest text that fits, up to the wanted size: one small step a frame.
    FrameAnimation {
        id: fitting
        running: window.page !== null && window.page.overflow > 1 && Theme.textScale > 0.85
        onTriggered: Theme.textScale = Math.max(0.85, Theme.textScale - 0.05)
    }

    // The same question with news on it, or a new question?
    function continues(): bool {
        return page !== null && page.objectName === Kiosk.screen
            && page.view.step === Kiosk.view.step
            && page.view.purpose === Kiosk.view.purpose && page.view.code === Kiosk.view.code;
    }

    function startFitting(): void {
        Theme.textScale = Theme.wantedScale;
    }

    function open(): void {
        Kiosk.helpOpen = false;
        if (Kiosk.screen === "Attract")
            Theme.reset();
        startFitting();
        loader.setSource("screens/" + Kiosk.screen + ".qml",
                         { view: Kiosk.view, objectName: Kiosk.screen });
        fade.restart();
    }
}
