"""Settings come from the environment, and secrets from files where the environment should not hold them."""

from pathlib import Path

import pytest

from shared.base.settings import SECRETS_DIR, KernelSettings


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    first, second = tmp_path / "services", tmp_path / "database"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.setenv(SECRETS_DIR, f"{first}:{second}")
    return first, second


def test_secrets_are_read_from_files_in_several_folders(folders: tuple[Path, Path]) -> None:
    (folders[0] / "backoffice_role_secret").write_text("from a file\n")
    (folders[1] / "backoffice_database_url").write_text("postgresql://somewhere\n")

    settings = KernelSettings()

    assert (settings.role_secret.get_secret_value(), settings.database_url) == (
        "from a file",
        "postgresql://somewhere",
    )


def test_the_environment_goes_before_files(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders[0] / "backoffice_role_secret").write_text("from a file\n")
    monkeypatch.setenv("BACKOFFICE_ROLE_SECRET", "from the environment")

    assert KernelSettings().role_secret.get_secret_value() == "from the environment"


def test_a_folder_of_secrets_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path / "not-mounted"))

    with pytest.raises(NotADirectoryError, match=r"not-mounted, which is no folder\. Mount"):
        KernelSettings()


def test_secrets_that_go_by_name_are_read_from_files_and_the_environment(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders[0] / "backoffice_password_orders_app").write_text("from a file\n")
    (folders[0] / "backoffice_sealing_keys").write_text("for whoever has none\n")
    (folders[1] / "backoffice_sealing_keys_people").write_text("of people\n")
    monkeypatch.setenv("BACKOFFICE_PASSWORD_ORDERS_WORKER", "from the environment")
    monkeypatch.setenv("BACKOFFICE_PASSWORD_BUS", "")

    settings = KernelSettings()

    found = {name: password.get_secret_value() for name, password in settings.passwords.items()}
    assert found == {"orders_app": "from a file", "orders_worker": "from the environment"}
    assert settings.sealing_keys_of("people") == "of people"
    assert settings.sealing_keys_of("billing") == "for whoever has none"
    assert "from a file" not in repr(settings)


def test_an_environment_goes_before_files_by_name_too(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders[0] / "backoffice_password_orders_app").write_text("from a file\n")
    monkeypatch.setenv("BACKOFFICE_PASSWORD_ORDERS_APP", "from the environment")

    assert KernelSettings().passwords["orders_app"].get_secret_value() == "from the environment"
