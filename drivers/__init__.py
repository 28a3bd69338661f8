"""Devices of the kiosk behind small contracts, and the one supervisor of child processes."""
