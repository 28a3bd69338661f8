"""Drivers on device files of a real kernel: see docs/vm-suite.md. Run by ``./run test --vm`` only."""
