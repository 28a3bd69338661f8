"""Stand-ins for devices that speak the real wire, driven from outside while they run."""
