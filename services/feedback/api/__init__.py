"""Feedback over HTTP."""

from services.feedback.api.obligations import router

__all__ = ["router"]
