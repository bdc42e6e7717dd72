"""The clock, and working days (工作日) in China."""
