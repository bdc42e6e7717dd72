"""Time: the clock that services ask, dates in Asia/Shanghai, and working days."""
