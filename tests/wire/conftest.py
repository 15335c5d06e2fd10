"""A serving pair for the tests of a module, and who trusts it."""

import ssl

import pytest

from tests.wire.minting import serving_files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return serving_files(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def trust(files):
    return ssl.create_default_context(cafile=files.ca)
