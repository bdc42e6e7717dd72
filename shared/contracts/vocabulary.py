"""From type names to models: a service reads its own events and those of others with it, older versions included."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from shared.contracts import execution, feedback, lawbook_events, listing, response
from shared.contracts.event import Event, PublicEvent
from shared.contracts.upcasters import UPCASTERS, Upcaster


class UnknownEventType(ValueError):
    """There is no model and no upcaster for this type: a newer version wrote it. Its key is parked."""


class UnreadableEvent(ValueError):
    """The body does not match its type."""


class Vocabulary:
    """The event types that a reader can decode. `upcasters`: old type → (next type, function)."""

    def __init__(
        self, events: Iterable[type[Event]], upcasters: Mapping[str, tuple[str, Upcaster]] | None = None
    ) -> None:
        self.models: dict[str, type[Event]] = {event.TYPE: event for event in events}
        self.upcasters = dict(upcasters or {})

    def __or__(self, other: "Vocabulary") -> "Vocabulary":
        return Vocabulary([*self.models.values(), *other.models.values()], {**self.upcasters, **other.upcasters})

    def decode(self, type_name: str, body: str | bytes) -> Event:
        """The event in this body. Raises UnknownEventType or UnreadableEvent; both are deterministic errors."""
        model = self.models.get(type_name)
        try:
            if model is not None:
                return model.model_validate_json(body)
            return self._upcast(type_name, orjson.loads(body))
        except (ValidationError, orjson.JSONDecodeError) as error:
            raise UnreadableEvent(f"{type_name}: {_error_paths(error)}") from None
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UnknownEventType):
                raise
            raise UnreadableEvent(f"{type_name}: its upcaster failed with {type(error).__name__}") from None

    def _upcast(self, type_name: str, body: dict[str, Any]) -> Event:
        while type_name not in self.models:
            if type_name not in self.upcasters:
                raise UnknownEventType(type_name)
            type_name, upcast = self.upcasters[type_name]
            body = upcast(body)
        return self.models[type_name].model_validate(body)


def _error_paths(error: ValidationError | orjson.JSONDecodeError) -> str:
    """The paths of the errors in a body, without its values: they may be personal data."""
    if isinstance(error, orjson.JSONDecodeError):
        return "not JSON"
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors(include_input=False))


PUBLIC_EVENTS: tuple[type[PublicEvent], ...] = (
    lawbook_events.DepartmentPublished,
    lawbook_events.DomainPublished,
    lawbook_events.InstrumentPublished,
    lawbook_events.MeasurePublished,
    lawbook_events.PolicyPublished,
    lawbook_events.RegionsPublished,
    lawbook_events.CategoryPublished,
    lawbook_events.BasisPublished,
    lawbook_events.MatterPublished,
    lawbook_events.MeasureListPublished,
    lawbook_events.ItemRetired,
    lawbook_events.SettingsConfirmed,
    listing.EntryPublished,
    listing.EntryCorrected,
    listing.EntrySuspended,
    listing.EntryResumed,
    listing.EntryRevoked,
    listing.EntryRepaired,
    listing.EntryEnded,
    response.ResponseDirected,
    response.ResponseAmended,
    response.ResponseSuspended,
    response.ResponseResumed,
    response.ResponseEnded,
    response.ResponseRefused,
    response.Settled,
    execution.Acknowledged,
    execution.Armed,
    execution.Applied,
    execution.NotApplicable,
    execution.Refused,
    execution.Failed,
    execution.EffectUndone,
    feedback.ObligationOverdue,
    feedback.LoopClosed,
)

PUBLIC = Vocabulary(PUBLIC_EVENTS, UPCASTERS)
