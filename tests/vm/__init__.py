"""Drivers on device files of a real kernel, by ``./run test --vm`` only: docs/vm-suite.md."""
