"""Every setting, its form and its default: one YAML file and the environment, environment over file."""

from webhook.settings.fault import SettingsError, wrong_value
from webhook.settings.model import Settings

__all__ = ["Settings", "SettingsError", "wrong_value"]
