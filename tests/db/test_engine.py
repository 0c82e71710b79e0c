from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import connect


async def test_a_failed_statement_does_not_quote_what_it_was_given(database_url: str) -> None:
    engine = connect(database_url, 1)

    with pytest.raises(DBAPIError) as refused:
        async with engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO blacklist (email, reason) VALUES (:email, :email)"),
                {"email": "li.wei@example.com"},
            )

    await engine.dispose()
    assert "[SQL parameters hidden" in str(refused.value)
