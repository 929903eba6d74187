"""The physics of the boosted hh → 4b analysis: functions from arrays to arrays."""
