"""Feedback: the ledger of obligations (反馈台账). It publishes closed loops and overdue obligations."""
