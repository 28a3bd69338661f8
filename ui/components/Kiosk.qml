pragma Singleton
import QtQuick

// The QML side of ui/bridge.py: what is to be shown, and what a person did.
// Only the bridge writes these properties (but helpOpen); screens read them and call the functions.
QtObject {
    id: kiosk

    property string screen: ""
    property var view: ({})
    property string language: "vi"
    property var words: ({})
    property int warningSeconds: -1
    property string agency: ""
    property string commune: ""
    property date now: new Date()
    property bool helpOpen: false

    signal intended(name: string, argument: string)
    signal languageWanted(language: string)

    readonly property string otherLanguage: language === "vi" ? "en" : "vi"
    readonly property string timeText: Qt.formatTime(now, "H:mm")
    readonly property string dateText: now.toLocaleDateString(
        Qt.locale(language === "vi" ? "vi_VN" : "en_GB"), "dddd, dd/MM/yyyy")

    function next(): void {
        intended("next", "");
    }
    function back(): void {
        intended("back", "");
    }
    function leave(): void {
        intended("leave", "");
    }
    function callStaff(): void {
        intended("staff", "");
    }
    function touch(): void {
        intended("touch", "");
    }
    function choose(name: string): void {
        intended("choose", name);
    }
    function type(text: string): void {
        intended("type", text);
    }
    function edit(step: string): void {
        intended("edit", step);
    }
    function redo(number: int): void {
        intended("redo", String(number));
    }

    function remove(number: int): void {
        intended("remove", String(number));
    }
    function setLanguage(wanted: string): void {
        languageWanted(wanted);
    }

    // A sentence of the catalogue's table [ui], in the language of the screen.
    function word(key: string): string {
        return words[key];
    }
    function say(key: string, values: var): string {
        return word(key).replace(/\{(\w+)\}/g, (whole, name) => values[name]);
    }
}
