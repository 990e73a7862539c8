"""Flags and variables: what is not understood is refused, before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydria_server.__main__ import main
from hydria_server.settings import Settings, SettingsError, parse_settings


def refusal(*flags: str, **variables: str) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_settings(flags, variables)
    return str(refused.value)


def test_without_flags_it_listens_on_loopback_and_stores_where_the_user_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/home/somebody/data")

    settings = parse_settings([], {})

    assert settings == Settings(data=Path("/home/somebody/data/hydria"))
    assert settings.listen == "127.0.0.1:50051"


def test_a_flag_goes_before_its_variable() -> None:
    variables = {"HYDRIA_LISTEN": "127.0.0.1:1", "HYDRIA_LOG_LEVEL": "error"}

    settings = parse_settings(["--listen", "127.0.0.1:2"], variables)

    assert (settings.listen, settings.log_level) == ("127.0.0.1:2", "error")


def test_an_unknown_variable_is_refused_and_the_known_ones_are_named() -> None:
    told = refusal(HYDRIA_RESERVE_BITES="1")

    assert "HYDRIA_RESERVE_BITES" in told
    assert "HYDRIA_RESERVE_BYTES" in told
    assert "FAILPOINT" not in told


def test_variables_of_clients_and_of_others_are_none_of_its_business() -> None:
    variables = {
        "HYDRIA_BASE_URL": "127.0.0.1:9",
        "HYDRIA_ENTITY": "team",
        "HYDRIA_PROJECT": "plant",
        "HYDRIA_CACHE_DIR": "/cache",
        "HYDRIACS": "1",
        "hydria_data": "/elsewhere",
    }

    assert parse_settings(["--data", "/data"], variables) == Settings(data=Path("/data"))


@pytest.mark.parametrize(
    "flags",
    [
        ("--drain-seconds", "soon"),
        ("--drain-seconds", "-1"),
        ("--drain-seconds", "nan"),
        ("--drain-seconds", "inf"),
        ("--stall-timeout-seconds", "0"),
        ("--stall-timeout-seconds", "nan"),
        ("--upload-lease-seconds", "0"),
        ("--upload-lease-seconds", "1.5"),
        ("--open-uploads-max", "0"),
        ("--byte-budget", "many"),
        ("--reserve-bytes", "-5"),
        ("--webhook-retention-seconds", "-1"),
        ("--reflection", "perhaps"),
        ("--log-level", "loud"),
    ],
)
def test_a_malformed_value_is_refused_by_the_name_of_its_setting(flags: tuple[str, str]) -> None:
    name = flags[0].removeprefix("--").replace("-", "_")

    assert name in refusal(*flags)
    assert name in refusal(**{"HYDRIA_" + name.upper(): flags[1]})


def test_events_are_kept_for_webhooks_at_least_as_long_as_for_others() -> None:
    shorter = ("--event-retention-seconds", "9", "--webhook-retention-seconds", "8")

    assert "webhook_retention_seconds" in refusal(*shorter)
    assert parse_settings([*shorter[:3], "9"], {}).webhook_retention_seconds == 9
    assert parse_settings([*shorter[:3], "0"], {}).webhook_retention_seconds == 0


@pytest.mark.parametrize(
    "listen",
    [
        "nowhere",
        "127.0.0.1",
        ":50051",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "::1",
        "unix:",
        "unix://",
        "unix://relative",
        "unix:///",
        "http://127.0.0.1:1",
    ],
)
def test_a_malformed_address_is_refused(listen: str) -> None:
    assert "listen" in refusal("--listen", listen)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "10.0.0.5", "example.org", "*"])
def test_an_address_beyond_this_machine_needs_insecure(host: str) -> None:
    assert "--insecure" in refusal("--listen", f"{host}:50051")
    assert parse_settings(["--listen", f"{host}:50051", "--insecure"], {}).insecure
    assert parse_settings(["--listen", f"{host}:50051"], {"HYDRIA_INSECURE": "true"}).insecure


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_needs_nothing(host: str) -> None:
    assert parse_settings(["--listen", f"{host}:0"], {}).listen == f"{host}:0"


def test_a_relative_data_directory_is_where_it_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert parse_settings(["--data", "here"], {}).data == tmp_path / "here"


@pytest.mark.parametrize("flags", [("--listen", "nowhere"), ("--log-level", "loud")])
def test_usage_errors_end_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, str]
) -> None:
    assert main(["--data", str(tmp_path / "data"), *flags]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("hydria server: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_an_unknown_variable_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDRIA_NONSENSE", "1")

    assert main([]) == 2
    assert "HYDRIA_NONSENSE" in capsys.readouterr().err


def test_help_lists_every_flag_but_the_one_of_fault_tests(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    told = capsys.readouterr().out
    assert ended.value.code == 0
    for flag in ("--data", "--listen", "--insecure", "--reserve-bytes", "--drain-seconds"):
        assert flag in told
    assert "failpoint" not in told
