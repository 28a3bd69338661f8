import QtQuick
import ui.theme

// Line art of ui/theme/pictures. It repeats the words beside it.
Image {
    property string name
    property real size: 240

    width: size
    height: size
    source: name === "" ? "" : Theme.picture(name)
    sourceSize: Qt.size(Math.ceil(size), Math.ceil(size))
    fillMode: Image.PreserveAspectFit
    Accessible.ignored: true
}
