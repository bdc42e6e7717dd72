"""The aggregate of the registry: one stream a subject. Its commands come from the list (reactions.py), not over HTTP."""

from services.registry.domain.deciding import Command, decide
from services.registry.domain.file import INITIAL, SubjectFile, evolve
from shared.decider import Decider

FILES: Decider[SubjectFile, Command] = Decider("subject", INITIAL, decide, evolve)
