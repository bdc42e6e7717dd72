"""During a rolling upgrade old code reads what new code has written, and ignores unknown fields."""

from sqlalchemy import text

from tests.engine.conftest import MakeSample


async def test_metadata_with_a_field_of_a_later_version_is_read(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("a", "1", "2")
    async with service.engine.begin() as connection:
        later = 'metadata::jsonb || \'{"tenant": "示例"}\''
        await connection.execute(text(f"UPDATE events SET metadata = ({later})::json WHERE version = 2"))
        loaded = await service.store.load(connection, ["letters-a"])
    first, second = loaded["letters-a"]
    assert (second.version, second.metadata) == (2, first.metadata)


async def test_metadata_of_an_earlier_version_without_a_newer_field_is_read(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("a", "1")
    async with service.engine.begin() as connection:
        await connection.execute(text('UPDATE events SET metadata = \'{"actor": "示例"}\''))
        [recorded] = (await service.store.load(connection, ["letters-a"]))["letters-a"]
    assert (recorded.metadata.actor, recorded.metadata.department) == ("示例", None)
