"""What the API server of a world can do; run by `test_levels.py`."""

import socket
import time

import pytest

from tests.cluster.here import Cluster


def test_it_answers_and_tells_its_version(cluster: Cluster) -> None:
    shown = cluster.kubectl("version")

    assert "Server Version: v1.37." in shown.stdout, shown.stderr


def test_it_keeps_objects(cluster: Cluster) -> None:
    made = cluster.kubectl("create", "namespace", "kept")

    assert made.stdout == "namespace/kept created\n"
    assert cluster.get("/api/v1/namespaces/kept")[0] == 200


def test_the_world_has_the_names_it_was_given() -> None:
    assert socket.gethostbyname("registry.example.com") == "10.88.0.2"
    assert socket.gethostbyname("docker.io") == "10.88.0.2"


def test_an_address_can_be_added(cluster: Cluster) -> None:
    cluster.add_address("10.88.0.9", "added.example.com")

    with socket.create_server(("10.88.0.9", 443)), socket.create_connection(("added.example.com", 443), timeout=1):
        pass


def test_an_unknown_name_fails_at_once() -> None:
    begin = time.monotonic()

    with pytest.raises(socket.gaierror):
        socket.gethostbyname("nobody.example.org")

    assert time.monotonic() - begin < 4, "a resolver that hears nothing waits for 5 s"
