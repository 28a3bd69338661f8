"""Data of the appliance: settings, procedures, words, failures, device profiles. No code."""
