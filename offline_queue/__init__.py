"""Dossiers wait here, encrypted, until the portal has signed for them."""
