"""What can be expected to go wrong is said in a sentence, with what to do, and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.databases import Databases

NOWHERE = "http://127.0.0.1:1"
NO_DATABASE = "postgresql+asyncpg://me:secret@127.0.0.1:1/orderflow"


async def test_without_a_stack_a_command_says_how_to_start_one(terminal: Terminal) -> None:
    refused = await terminal.run("order")
    assert refused.code == 2
    assert "Where is the API?" in refused.err
    assert "`make up`" in refused.err
    assert "ORDERFLOW_API" in refused.err


@pytest.mark.parametrize(
    "command", ["order", "status O1", "cancel O1", "refund O1", "pay O1", "ship O1", "deliver O1"]
)
async def test_a_party_that_does_not_answer_is_named(terminal: Terminal, command: str) -> None:
    refused = await terminal.run(
        *command.split(),
        ORDERFLOW_API=NOWHERE,
        ORDERFLOW_API_KEY="k",
        ORDERFLOW_SIMULATOR=NOWHERE,
    )
    assert refused.code == 2
    assert f"at {NOWHERE} does not answer" in refused.err
    assert "`make up`" in refused.err


@pytest.mark.parametrize("command", ["audit", "report", "seed", "migrate", "stock list"])
async def test_a_database_that_does_not_answer_is_named_without_its_password(
    terminal: Terminal, command: str
) -> None:
    refused = await terminal.run(*command.split(), DATABASE_URL=NO_DATABASE)
    assert refused.code == 2
    assert "the database at 127.0.0.1:1/orderflow does not answer" in refused.err
    assert "secret" not in refused.err


async def test_a_database_of_another_kind_is_refused(terminal: Terminal) -> None:
    refused = await terminal.run("audit", "--database", "mysql://me@host/orderflow")
    assert refused.code == 2
    assert "must start with postgresql+asyncpg://" in refused.err


async def test_a_database_without_tables_asks_for_migrate(
    terminal: Terminal, databases: Databases
) -> None:
    url = await databases.empty()
    refused = await terminal.run("audit", DATABASE_URL=url)
    assert refused.code == 2
    assert "python starter.py migrate" in refused.err
    assert (await terminal.run("migrate", DATABASE_URL=url)).code == 0
    assert "24 products" in (await terminal.run("seed", DATABASE_URL=url)).out
    assert "nothing to do" in (await terminal.run("seed", DATABASE_URL=url)).out
    assert (await terminal.run("audit", DATABASE_URL=url)).code == 0


async def test_a_file_that_is_missing_or_not_json_is_named(terminal: Terminal) -> None:
    known = {"ORDERFLOW_API": NOWHERE, "ORDERFLOW_API_KEY": "k"}
    missing = await terminal.run("order", "nothing.json", **known)
    assert missing.code == 2
    assert "cannot read nothing.json: No such file or directory" in missing.err
    broken = await terminal.run("order", "-", stdin="{oops", **known)
    assert broken.code == 2
    assert "is not JSON" in broken.err


async def test_a_damaged_endpoints_file_is_named(terminal: Terminal) -> None:
    (terminal.directory / ".data").mkdir()
    (terminal.directory / ".data" / "endpoints.json").write_text("{")
    refused = await terminal.run("order")
    assert refused.code == 2
    assert "endpoints.json cannot be read" in refused.err


async def test_the_endpoints_file_is_read_and_an_option_wins_over_it(terminal: Terminal) -> None:
    (terminal.directory / "there").mkdir()
    written = {"api": f"{NOWHERE}1", "apiKey": "k"}
    (terminal.directory / "there" / "endpoints.json").write_text(json.dumps(written))
    from_file = await terminal.run("order", "--data-dir", "there")
    assert f"at {NOWHERE}1 does not answer" in from_file.err
    from_option = await terminal.run("order", "--data-dir", "there", "--api", f"{NOWHERE}2")
    assert f"at {NOWHERE}2 does not answer" in from_option.err


@pytest.mark.parametrize("url", ["nonsense", "http://[", ""])
async def test_an_address_that_is_none_is_refused(terminal: Terminal, url: str) -> None:
    assert (await terminal.run("order", "--api", url, "--api-key", "k")).code == 2


async def test_load_refuses_to_leave_this_machine(terminal: Terminal) -> None:
    refused = await terminal.run(
        "load", "--api", "http://shop.example.com", "--api-key", "k", "--simulator", NOWHERE
    )
    assert refused.code == 2
    assert "http://shop.example.com is not on it" in refused.err


async def test_goods_cannot_be_received_without_temporals_keys(
    terminal: Terminal, database_url: str
) -> None:
    refused = await terminal.run("stock", "receive", "PEN-FT-F", "1", DATABASE_URL=database_url)
    assert refused.code == 2
    assert "PAYLOAD_KEYS" in refused.err


async def test_goods_without_a_place_are_refused(terminal: Terminal, database_url: str) -> None:
    for arguments, told in (
        (("NOPE", "1"), "there is no SKU 'NOPE'"),
        (("PEN-FT-F", "1", "--warehouse", "MARS"), "MARS has no place for 'PEN-FT-F'"),
    ):
        refused = await terminal.run("stock", "receive", *arguments, DATABASE_URL=database_url)
        assert refused.code == 1
        assert told in refused.err


def test_the_data_directory_of_a_test_is_its_own(terminal: Terminal) -> None:
    assert not Path(terminal.directory, ".data").exists()
