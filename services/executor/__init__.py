"""The executor: worklists of the departments, their answers, and the checks that are due before they act (应查必查)."""
