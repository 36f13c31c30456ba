"""All rows at once: none of them answers a stranger, and what the page calls left out is not there."""

import httpx

from tests.serve.admin_client import AdminClient
from tests.serve.demo.rows.reference_rows import read_reference_rows

PUBLIC = {("POST", "/admin/auth/login"), ("GET", "/admin/auth/status"), ("GET", "/health")}
WITH_ANOTHER_TOKEN = {("POST", "/admin/auth/refresh")}


def test_no_row_answers_without_credentials(office: AdminClient) -> None:
    assert {(row.method, row.path) for row in read_reference_rows() if row.public} == PUBLIC
    closed = [
        row for row in read_reference_rows() if row.proof and (row.method, row.path) not in PUBLIC | WITH_ANOTHER_TOKEN
    ]
    with httpx.Client(base_url=office.secretary.url) as stranger:
        for row in closed:
            if row.method != "WS":
                assert stranger.request(row.method, row.example_path).status_code == 401, row


def test_what_is_left_out_is_not_there(office: AdminClient) -> None:
    for row in read_reference_rows():
        if row.left_out:
            signed_in = office.http if row.path.startswith("/admin/") else office.gateway
            reply = signed_in.request(row.method, f"{office.secretary.url}{row.example_path}")
            assert reply.status_code in (404, 405), row
