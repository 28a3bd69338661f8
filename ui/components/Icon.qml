import QtQuick
import QtQuick.Shapes
import ui.theme
import "Icons.js" as Icons

// One-colour line icon. Always beside words, so assistive technology may skip it.
Item {
    id: icon

    property string name: "check"
    property color color: Theme.ink
    property real size: 48
    property real stroke: 4

    implicitWidth: size
    implicitHeight: size
    Accessible.ignored: true

    Shape {
        width: 48
        height: 48
        scale: icon.size / 48
        transformOrigin: Item.TopLeft

        ShapePath {
            strokeColor: icon.color
            strokeWidth: icon.stroke
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin

            PathSvg {
                path: Icons.path(icon.name)
            }
        }
    }
}
