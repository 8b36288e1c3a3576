"""Settings come from the environment, or fail with the name that was likely meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from taawun.node.environment import Environment, SettingRefused


def test_a_setting_comes_from_the_environment_then_a_file_then_node_env_then_its_default(
    tmp_path: Path,
) -> None:
    (tmp_path / "node.env").write_text(
        "# a comment\n\nTAAWUN_BASE_URL=https://kept.example\nTAAWUN_LANGUAGE = fr\n"
    )
    (tmp_path / "key").write_text("from a file\n")
    given = {"TAAWUN_HOME": str(tmp_path), "TAAWUN_SECRET_KEY_FILE": str(tmp_path / "key")}

    here = Environment({**given, "TAAWUN_BASE_URL": "https://cert.example/"})

    assert here.text("TAAWUN_BASE_URL") == "https://cert.example"
    assert Environment(given).text("TAAWUN_BASE_URL") == "https://kept.example"
    assert here.text("TAAWUN_SECRET_KEY") == "from a file"
    assert here.text("TAAWUN_LANGUAGE") == "fr"
    assert here.number("TAAWUN_POLL_SECONDS") == 30


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("TAAWUN_BASEURL", "TAAWUN_BASEURL: there is no such setting; did you mean TAAWUN_BASE_URL?"),
        (
            "TAAWUN_NODEKEY_FILE",
            "TAAWUN_NODEKEY_FILE: there is no such setting; did you mean TAAWUN_NODE_KEY?",
        ),
        ("TAAWUN_ZZZ", "TAAWUN_ZZZ: there is no such setting; docs/settings.md lists all of them"),
        ("TAAWUN_", "TAAWUN_: there is no such setting; docs/settings.md lists all of them"),
        ("TAAWUN_DATA_FILE", None),
    ],
)
def test_a_variable_that_is_almost_a_setting_is_refused(tmp_path: Path, name: str, told: str | None) -> None:
    with pytest.raises(SettingRefused) as refused:
        Environment({"TAAWUN_HOME": str(tmp_path), name: "x"})

    assert told is None or str(refused.value) == told


def test_what_is_no_setting_of_ours_is_left_alone(tmp_path: Path) -> None:
    given = {"TAAWUN_HOME": str(tmp_path), "TAAWUN_DATA": "/data", "PATH": "/bin", "taawun_x": "1"}

    assert Environment(given).home == tmp_path


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("TAAWUN_BASEURL=https://cert.example", "did you mean TAAWUN_BASE_URL?"),
        ("TAAWUN_BASE_URL", "write NAME=value"),
    ],
)
def test_a_wrong_line_of_node_env_is_refused_by_its_number(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "node.env").write_text(f"# one\n{line}\n")

    with pytest.raises(SettingRefused, match="line 2") as refused:
        Environment({"TAAWUN_HOME": str(tmp_path)})

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAAWUN_BASE_URL", "ftp://cert.example"),
        ("TAAWUN_BASE_URL", "https://cert.example/taawun"),
        ("TAAWUN_POLL_SECONDS", "half a minute"),
        ("TAAWUN_POLL_SECONDS", "\u0663"),
        ("TAAWUN_DEBUG", "perhaps"),
        ("TAAWUN_SECOND_FACTOR", "never"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_setting(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        Environment({"TAAWUN_HOME": str(tmp_path), name: value})[name]

    assert refused.value.name == name
