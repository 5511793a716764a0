"""Running the platform: alarms, backup and restore, retention."""
