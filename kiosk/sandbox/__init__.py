"""Stand-ins that speak the real protocols, for demo and tests only (extra ``dev``)."""
