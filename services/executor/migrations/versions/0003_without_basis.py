"""Tasks know the effect without a basis, and the day from which a time limit is counted.

`due_on` stays for instances of the version before, which run during an upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_OPEN = (
    "CASE WHEN end_mode IS NOT NULL THEN state <> 'undone' "
    "ELSE without_basis IS NOT NULL OR (state IN ('acknowledged', 'directed', 'failed', 'undone') AND NOT suspended) END"
)
_DUE_FROM = """
    UPDATE tasks SET due_from = (last.at AT TIME ZONE 'Asia/Shanghai')::date
    FROM (
        SELECT DISTINCT ON (line_id) line_id, at FROM (
            SELECT line->>'line_id' AS line_id, effective_at AS at, position
            FROM events, json_array_elements(data->'lines') AS line
            WHERE type IN ('executor.lines_directed.v1', 'executor.late_effects_owed.v1')
               OR type IN ('executor.lines_resumed.v1', 'executor.end_ordered.v1') AND line->>'due_on' IS NOT NULL
            UNION ALL
            SELECT line_id, effective_at, position
            FROM events, json_array_elements_text(data->'lines') AS line_id WHERE type = 'execution.undone.v1'
        ) AS counted
        ORDER BY line_id, position DESC
    ) AS last
    WHERE last.line_id = tasks.task_id
"""


def upgrade() -> None:
    op.add_column("tasks", sa.Column("without_basis", sa.Text()))
    op.add_column("tasks", sa.Column("due_from", sa.Date()))
    op.execute(_DUE_FROM)
    op.drop_index("tasks_department_open_direction_nth_idx", "tasks")
    op.drop_column("tasks", "open")
    op.add_column("tasks", sa.Column("open", sa.Boolean(), sa.Computed(_OPEN, persisted=True), nullable=False))
    op.create_index("tasks_department_open_direction_nth_idx", "tasks", ["department", "open", "direction", "nth"])
