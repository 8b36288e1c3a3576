"""What the text of a setting means, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taawun.foundation.signing import SigningKey
from taawun.node import settings as node_settings
from taawun.node import values
from taawun.node.values import Database, Mail

ENCODED = "in user and password write : / ? # @ and % as %3A %2F %3F %23 %40 and %25"
BAD_PORT = f"its port is not a number from 1 to 65535; {ENCODED}"
ANY_MAIL = "smtp://user:password@host:587 or smtps://user:password@host:465"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", None),
        ("sqlite:///node.sqlite3", Database("sqlite", "node.sqlite3")),
        ("sqlite:////srv/a%20node.sqlite3", Database("sqlite", "/srv/a node.sqlite3")),
        ("postgresql://db.example/taawun", Database("postgresql", "taawun", host="db.example")),
        (
            "postgres://us%40er:p%2Fw@db.example:5433/taawun",
            Database("postgresql", "taawun", "us@er", "p/w", "db.example", "5433"),
        ),
        ("postgresql://u@[::1]:1/t", Database("postgresql", "t", "u", host="::1", port="1")),
        ("postgresql://u@/t?host=/run/pg%20sql", Database("postgresql", "t", "u", host="/run/pg sql")),
        (
            "postgresql:///?dbname=t&user=u&password=p%26w&host=h&port=2",
            Database("postgresql", "t", "u", "p&w", "h", "2"),
        ),
        (
            "postgresql://h/t?sslmode=verify-full&sslrootcert=/etc/a+b%20c.pem&options=-c%20statement_timeout%3D5s",
            Database(
                "postgresql",
                "t",
                host="h",
                options={
                    "sslmode": "verify-full",
                    "sslrootcert": "/etc/a+b c.pem",
                    "options": "-c statement_timeout=5s",
                },
            ),
        ),
        ("postgresql://?service=node", Database("postgresql", "", options={"service": "node"})),
    ],
)
def test_a_database_is_read_from_its_address(given: str, expected: Database | None) -> None:
    assert values.database(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", None),
        ("smtp://mail.example", Mail("mail.example", 587, tls_from_start=False)),
        ("smtps://mail.example/", Mail("mail.example", 465, tls_from_start=True)),
        ("smtp://u%40a:p%3Aw@mail.example:25", Mail("mail.example", 25, False, "u@a", "p:w")),
    ],
)
def test_a_mail_server_is_read_from_its_address(given: str, expected: Mail | None) -> None:
    assert values.mail(given) == expected


@pytest.mark.parametrize(
    ("read", "given", "told"),
    [
        (values.zone, "Nowhere", "'Nowhere' is not a time zone like Asia/Amman or UTC"),
        (values.zone, "Asia", "'Asia' is not a time zone like Asia/Amman or UTC"),
        (values.zone, "", "'' is not a time zone like Asia/Amman or UTC"),
        (values.zone, "../../etc/passwd", "'../../etc/passwd' is not a time zone like Asia/Amman or UTC"),
        (values.private_key, "junk", "This is no unencrypted PEM private key (PKCS #8)."),
        (
            values.networks,
            "10.0.0.1, junk",
            "'junk' does not appear to be an IPv4 or IPv6 network; write an address, or a network like 10.1.0.0/16",
        ),
        (
            values.networks,
            "10.1.2.3/16",
            "10.1.2.3/16 has host bits set; write an address, or a network like 10.1.0.0/16",
        ),
        (
            values.outbound,
            "127.0.0.1:8002,%%%",
            "'%%%' is no network, host or host with a port, like 10.1.0.0/16, partner.internal or 127.0.0.1:8002",
        ),
        (values.number(1, 1024), "0", "'0' is not a whole number from 1 to 1024"),
        (values.number(1, 1024), "1025", "'1025' is not a whole number from 1 to 1024"),
        (values.number(1, 1024), "9" * 5000, f"'{'9' * 40}' is not a whole number from 1 to 1024"),
        (values.address, "https://cert.example:junk", BAD_PORT),
        (values.address, "https://cert.example:0", BAD_PORT),
        (values.address, "https://cert.example:65536", BAD_PORT),
        (values.address, "https://[::1", f"it must look like https://cert.example; {ENCODED}"),
        (values.address, "https://a:b@c.example", "it must not have a user or password: everybody sees it"),
        (values.database, "postgresql://u:pw@h:54x/t", BAD_PORT),
        (values.database, "postgresql://u:pw/secret@h/t", BAD_PORT),
        (values.database, "postgresql://u:p#w@h/t", f"nothing follows a #; {ENCODED}"),
        (values.database, "postgresql://h/t#x", f"nothing follows a #; {ENCODED}"),
        (values.database, "postgresql://u:p[w@h/t", None),
        (values.database, "postgresql://h", "it names no database: postgresql://user:password@host/name"),
        (
            values.database,
            "postgresql://h/t?sslmod=require",
            (
                "'sslmod' is no parameter of PostgreSQL's connections, written name=value; "
                "sslmode=verify-full is one"
            ),
        ),
        (
            values.database,
            "postgresql://h/t?sslmode",
            (
                "'sslmode' is no parameter of PostgreSQL's connections, written name=value; "
                "sslmode=verify-full is one"
            ),
        ),
        (values.database, "mysql://h/t", "the scheme 'mysql' is neither sqlite nor postgresql"),
        (values.database, "junk", "the scheme '' is neither sqlite nor postgresql"),
        (
            values.database,
            "sqlite://node.sqlite3",
            "a path follows, and nothing else: sqlite:///relative or sqlite:////absolute",
        ),
        (
            values.database,
            "sqlite:///node.sqlite3?mode=ro",
            "a path follows, and nothing else: sqlite:///relative or sqlite:////absolute",
        ),
        (values.mail, "mail.example", f"it must look like {ANY_MAIL}"),
        (values.mail, "smtp://mail.example:junk", BAD_PORT),
        (
            values.mail,
            "smtp://u:pw/secret@mail.example:25",
            f"nothing follows the port: it must look like {ANY_MAIL}; {ENCODED}",
        ),
        (
            values.mail,
            "smtp://mail.example:25/inbox",
            f"nothing follows the port: it must look like {ANY_MAIL}; {ENCODED}",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(
    read: Callable[[str], Any], given: str, told: str | None
) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        read(given)
    assert told is None or str(refused.value) == told
    assert not any(secret in str(refused.value) for secret in ("pw", "secret", "p[w"))


def test_what_works_is_taken() -> None:
    pem = SigningKey.generate().to_pem().decode()
    assert (values.private_key(pem), values.private_key("")) == (pem, "")
    assert [values.zone(name) for name in ("UTC", "Asia/Amman")] == ["UTC", "Asia/Amman"]
    assert values.networks("::1, 10.1.0.0/16,") == ("::1", "10.1.0.0/16")
    assert values.outbound("10.1.0.0/16, partner.internal ,[::1]:8002") == (
        "10.1.0.0/16",
        "partner.internal",
        "[::1]:8002",
    )
    assert values.outbound(" , ") == ()
    assert [values.number(0, 10)(each) for each in ("0", "10")] == [0, 10]


def test_the_parameters_of_a_database_reach_its_connections() -> None:
    given = values.database("postgresql://u:pw@h:5433/t?sslmode=verify-full")
    assert given
    made = node_settings._database(given)
    assert made["OPTIONS"] == {"sslmode": "verify-full"}
    assert [made[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "t",
        "u",
        "pw",
        "h",
        "5433",
    ]


def test_a_password_is_not_shown_with_what_was_read() -> None:
    shown = repr([values.database("postgresql://u:pw@h/t?sslpassword=pw"), values.mail("smtp://u:pw@h")])
    assert "pw" not in shown
