"""Commands by what they are for. Each imports what it needs when it runs, so --help is instant."""
