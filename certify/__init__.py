"""Certified copies: scanned pages in, a signed PDF with its seal out, and back again to verify."""
