"""Pay calculations: what somebody would be paid, by the same engine as pay runs; nothing is stored."""
