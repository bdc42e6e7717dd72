"""The executor: tasks of departments, their answers, and the checks that they make before they act (应查必查)."""
