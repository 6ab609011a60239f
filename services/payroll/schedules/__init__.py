"""Pay schedules: when people are paid, and for which days."""
