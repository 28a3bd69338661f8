"""The kiosk's side of the outside world: one process that alone speaks to portal and providers."""
