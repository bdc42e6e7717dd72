"""The table of writers and readers of topics, from which the broker's rights are made, matches the services."""

import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from liandong.kafka_rights import Operation, Resource, Right, rights
from liandong.node import SERVICES
from shared.contracts.event import Topic
from shared.messaging.topics import TRAFFIC, Topics


def test_the_table_has_every_service_and_every_topic_has_a_writer_and_a_reader():
    assert set(TRAFFIC) == set(SERVICES)
    assert {topic for its in TRAFFIC.values() for topic in its.writes} == set(Topic)
    assert {topic for its in TRAFFIC.values() for topic in its.reads} == set(Topic) - {Topic.FEEDBACK}


@pytest.mark.parametrize("service", [name for name in SERVICES if TRAFFIC[name].reads])
def test_a_service_may_read_what_it_reacts_to(service: str):
    unserved: Any = SimpleNamespace(settings=SimpleNamespace(departments=""))
    reactions = importlib.import_module(f"services.{service}.reactions").reactions(unserved)
    assert set(TRAFFIC[service].reads) == set(reactions.topics)


def test_a_service_gets_the_right_to_its_own_topics_and_its_own_group_and_to_nothing_else():
    assert {right for right in rights(Topics(6, "city.")) if right.user == "executor"} == {
        Right("executor", Resource.TOPIC, "city.liandong.execution", Operation.WRITE),
        Right("executor", Resource.TOPIC, "city.liandong.lawbook", Operation.READ),
        Right("executor", Resource.TOPIC, "city.liandong.response", Operation.READ),
        Right("executor", Resource.GROUP, "city.liandong.executor", Operation.READ),
    }
