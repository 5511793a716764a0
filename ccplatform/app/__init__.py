"""Builds and wires the platform: settings, processes, command line."""
