"""What every process needs before it knows any business: settings, telemetry, loops, health."""
