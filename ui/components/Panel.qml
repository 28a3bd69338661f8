import QtQuick
import ui.theme

// A card that explains and cannot be touched.
Rectangle {
    radius: Theme.radius
    color: Theme.surface
    border.width: Theme.stroke
    border.color: Theme.hair
}
