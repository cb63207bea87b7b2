"""Requests keep apart; sessions keep together."""

from __future__ import annotations

import threading
import time

from tests.engine import raw_http
from tests.engine.raw_http import RawClient
from tests.engine_process import EngineProcess

_LIMIT = "SELECT getSetting('max_result_rows')"


def test_settings_end_with_their_request(admin: RawClient, reader: RawClient) -> None:
    assert admin.query(_LIMIT, max_result_rows=7) == "7"
    assert admin.query(_LIMIT) == "0"
    admin.query("SELECT 1 SETTINGS max_result_rows = 7")
    admin.query("SET max_result_rows = 7")
    admin.query("USE system")
    admin.query("SELECT 1", readonly=1)
    reader.query("SELECT 1")
    for _ in range(40):  # more than there are threads
        assert admin.query(_LIMIT + ", getSetting('readonly'), currentDatabase()") == "0\t0\tdefault"


def test_temporary_tables_end_with_their_request(admin: RawClient) -> None:
    admin.query("CREATE TEMPORARY TABLE mine (a Int8)")
    assert admin.send("SELECT * FROM mine").code == 60


def test_a_session_keeps_tables_settings_and_database(admin: RawClient) -> None:
    session = {"session_id": "keeps"}
    admin.query("CREATE TEMPORARY TABLE mine (a Int8)", **session)
    admin.query("INSERT INTO mine VALUES (5)", **session)
    admin.query("INSERT INTO mine FORMAT CSV\n6\n", **session)
    admin.query("SET max_result_rows = 11", **session)
    admin.query("USE system", **session)
    assert admin.query("SELECT sum(a) FROM mine", **session) == "11"
    assert admin.query(_LIMIT + ", currentDatabase()", **session) == "11\tsystem"
    assert admin.send("SELECT * FROM mine", session_id="other").code == 60
    assert admin.query(_LIMIT) == "0"


def test_url_settings_do_not_stay_in_a_session(admin: RawClient) -> None:
    session = {"session_id": "url-settings"}
    admin.query("SET max_result_rows = 11", **session)
    assert admin.query(_LIMIT, max_result_rows=3, **session) == "3"
    assert admin.query(_LIMIT, **session) == "11"
    assert admin.query("SELECT currentDatabase()", database="system", **session) == "system"
    assert admin.query("SELECT currentDatabase()", **session) == "default"


def test_sessions_belong_to_users(admin: RawClient, reader: RawClient) -> None:
    admin.query("CREATE TEMPORARY TABLE private (a Int8)", session_id="shared")
    assert reader.send("SELECT * FROM private", session_id="shared").code == 60


def test_a_busy_session_is_locked(engine: EngineProcess, admin: RawClient) -> None:
    other = raw_http.admin(engine)
    slow = threading.Thread(target=other.query, args=("SELECT sleep(1)",), kwargs={"session_id": "busy"})
    slow.start()
    time.sleep(0.3)
    assert admin.send("SELECT 1", session_id="busy").code == 373
    slow.join()
    assert admin.query("SELECT 1", session_id="busy") == "1"
    other.close()


def test_session_check_timeout_and_close(admin: RawClient) -> None:
    assert admin.send("SELECT 1", session_id="absent", session_check=1).code == 372
    assert admin.send("SELECT 1", session_id="long", session_timeout=99999).code == 374
    admin.query("SET max_result_rows = 5", session_id="short", session_timeout=1)
    assert admin.query(_LIMIT, session_id="short", session_timeout=1) == "5"
    time.sleep(2.3)
    assert admin.send("SELECT 1", session_id="short", session_check=1).code == 372
    admin.query("SET max_result_rows = 5", session_id="closed", close_session=1)
    time.sleep(1.2)
    assert admin.query(_LIMIT, session_id="closed") == "0"
