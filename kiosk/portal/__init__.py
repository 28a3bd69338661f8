"""The portal: a server that takes in dossiers, keeps the register book and serves the desk."""
