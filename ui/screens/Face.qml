pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import QtQuick.Shapes
import ui.theme
import ui.components

// A large oval to look into. The words say what to do; the line around the oval repeats it.
Page {
    id: page

    readonly property bool matched: view.state === "matched"
    readonly property bool mismatch: view.state === "mismatch"
    readonly property color voice: matched ? Theme.success : mismatch ? Theme.fault : Theme.primary

    title: Kiosk.word("face.title")
    lead: Kiosk.word("face.lead")
    actFills: !landscape
    share: 0.42

    component Guidance: Rectangle {
        Layout.fillWidth: true
        implicitHeight: words.height + 48
        radius: Theme.radius
        color: page.matched ? Theme.successBg : page.mismatch ? Theme.faultBg : Theme.tealBg
        border.width: Theme.cardStroke
        border.color: page.voice

        StatusLine {
            id: words
            anchors.centerIn: parent
            width: parent.width - 64
            text: page.view.guidance
            symbol: page.matched ? "check" : page.mismatch ? "warn" : "camera"
            color: page.matched ? Theme.success : page.mismatch ? Theme.fault : Theme.teal
        }
    }

    explain: [
        Item {
            Layout.fillHeight: true
        },
        Guidance {
            visible: page.landscape
        }
    ]
    act: [
        Item {
            id: mirror
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.preferredHeight: 320

            readonly property real ovalHeight: Math.min(height - 16, (width - 16) * 1.22)
            readonly property real ovalWidth: ovalHeight / 1.22

            Item {
                id: oval
                anchors.centerIn: parent
                width: mirror.ovalWidth
                height: mirror.ovalHeight

                Item {
                    anchors.fill: parent
                    anchors.margins: 10
                    clip: true

                    Image {
                        id: preview
                        anchors.fill: parent
                        source: page.view.preview ?? ""
                        cache: false
                        mirror: true
                        fillMode: Image.PreserveAspectCrop
                        Accessible.role: Accessible.Graphic
                        Accessible.name: Kiosk.word("face.preview")
                    }
                }
                Picture {
                    visible: preview.status !== Image.Ready
                    name: "face_oval"
                    size: parent.width * 0.9
                    anchors.centerIn: parent
                }
                // The corners outside the oval, in the colour of the page: works without shaders.
                Shape {
                    visible: preview.status === Image.Ready
                    anchors.fill: parent

                    ShapePath {
                        fillColor: Theme.paper
                        fillRule: ShapePath.OddEvenFill
                        strokeWidth: -1

                        PathRectangle {
                            width: oval.width
                            height: oval.height
                        }
                        PathAngleArc {
                            centerX: oval.width / 2
                            centerY: oval.height / 2
                            radiusX: oval.width / 2 - 12
                            radiusY: oval.height / 2 - 12
                            startAngle: 0
                            sweepAngle: 360
                            moveToStart: true
                        }
                    }
                }
                Shape {
                    visible: preview.status === Image.Ready
                    anchors.fill: parent

                    ShapePath {
                        fillColor: "transparent"
                        strokeColor: page.voice
                        strokeWidth: 12
                        capStyle: ShapePath.RoundCap
                        strokeStyle: page.matched ? ShapePath.SolidLine : ShapePath.DashLine
                        dashPattern: [2.6, 2.4]

                        PathAngleArc {
                            centerX: oval.width / 2
                            centerY: oval.height / 2
                            radiusX: oval.width / 2 - 8
                            radiusY: oval.height / 2 - 8
                            startAngle: 0
                            sweepAngle: 360
                        }
                    }
                }
            }
        },
        Guidance {
            visible: !page.landscape
        }
    ]
}
