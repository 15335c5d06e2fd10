"""`pullcheck serve` as a process of its own, over real TLS."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from tests.wire.minting import HOUR, client_pair, serving_files
from tests.wire.serving import CAPTURES, Client, request

COMMAND = (sys.executable, "-m", "webhook", "serve")


class Webhook:
    """A process that serves."""

    def __init__(self, process, lines, trust):
        self.process = process
        self.lines = lines
        self._serving = next(line for line in lines if line["event"] == "serving")
        self._trust = trust

    def reviews(self, trust=None):
        connection = socket.create_connection(split(self._serving["address"]), timeout=10)
        return Client((trust or self._trust).wrap_socket(connection, server_hostname="localhost"))

    def probes(self):
        return Client(socket.create_connection(split(self._serving["probes"]), timeout=10))

    def stop(self, number=signal.SIGTERM):
        """Send a signal; its exit code, and what it wrote since it served."""
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=15)
        self.lines += [json.loads(line) for line in rest.splitlines()]
        assert errors == ""
        return self.process.returncode


def split(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def environment(files, **settings):
    """The environment of a process with these settings, their keys written with a double underscore for each dot."""
    given = {
        "listen": "127.0.0.1:0",
        "probes": "127.0.0.1:0",
        "cluster": "none",
        "shutdown_delay": "0s",
        "tls__certificate": str(files.certificate),
        "tls__key": str(files.key),
    } | settings
    return {**os.environ, **{f"PULLCHECK_{name.upper()}": value for name, value in given.items()}}


@contextmanager
def serving(files, *arguments, **settings):
    command = [*COMMAND, *arguments]
    env = environment(files, **settings)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Webhook(process, read_until_serving(process), ssl.create_default_context(cafile=files.ca))
        finally:
            process.kill()


def read_until_serving(process):
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "serving":
            return lines
    raise AssertionError(process.stderr.read())


def run(files, *arguments, **settings):
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(files, **settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return serving_files(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def webhook(files):
    with serving(files, network__denied_hosts='["*"]') as running:
        yield running


def test_a_review_is_answered_counted_and_logged(files):
    capture = CAPTURES / "create-deployment.json"
    sent = json.loads(capture.read_bytes())["request"]
    with serving(files) as webhook:
        with webhook.reviews() as client:
            answer = client.post(capture.read_bytes(), headers="Audit-ID: 8f2b-1\r\n")
        assert answer.status == 200
        response = answer.json["response"]
        assert (response["uid"], response["allowed"]) == (sent["uid"], True)
        assert "could not be checked" in response["warnings"][0], "the image is at localhost"
        with webhook.probes() as client:
            metrics = client.get("/metrics").body.decode()
        assert webhook.stop() == 0
    labels = 'decision="warn",kind="Deployment",mode="enforce",operation="CREATE"'
    assert f"pullcheck_reviews_total{{{labels}}} 1.0\n" in metrics
    assert 'pullcheck_images_total{resolution="Blocked"} 1.0\n' in metrics
    assert re.search(r"^pullcheck_review_duration_seconds_count 1.0$", metrics, re.MULTILINE)
    (line,) = [line for line in webhook.lines if line["event"] == "review"]
    assert (line["uid"], line["audit_id"], line["decision"]) == (sent["uid"], "8f2b-1", "warn")
    assert (line["kind"], line["namespace"], line["name"]) == ("Deployment", sent["namespace"], sent["name"])
    assert line["images"] == [{"image": "localhost/pause:1", "resolution": "Blocked"}]
    assert line["requests"] == 0


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_captured_request_is_answered_before_its_deadline(webhook, capture):
    started_at = time.monotonic()
    with webhook.reviews() as client:
        answer = client.post(capture.read_bytes(), "/validate?timeout=5s")
    assert time.monotonic() - started_at < 5
    assert answer.json["response"]["uid"] == json.loads(capture.read_bytes())["request"]["uid"]


def test_what_is_no_review_is_refused(webhook):
    with webhook.reviews() as client:
        assert client.post(b"{}").status == 400


def test_a_body_beyond_the_limit_is_allowed_with_a_warning_and_counted(webhook):
    head = (CAPTURES / "create-pod.json").read_bytes()[:200]
    with webhook.reviews() as client:
        response = client.post(head + b"x" * 33 * 1024 * 1024).json["response"]
    assert response["allowed"] is True
    assert "larger than can be read now (32 MiB at most)" in response["warnings"][0]
    with webhook.probes() as client:
        assert b"pullcheck_reviews_not_understood_total 1.0\n" in client.get("/metrics").body


def test_the_probes_and_the_metrics_are_there(webhook):
    with webhook.probes() as client:
        assert client.get("/livez").body == b"ok"
        assert client.get("/readyz").body == b"ok"
        metrics = client.get("/metrics")
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'pullcheck_build_info{version="0.1.0"} 1.0\n' in metrics.body


def test_the_end_of_the_certificate_is_a_metric(webhook, files):
    with webhook.probes() as client:
        metrics = client.get("/metrics").body.decode()
    (value,) = re.findall(r"^pullcheck_certificate_expiry_timestamp_seconds (\S+)$", metrics, re.MULTILINE)
    leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert float(value) == leaf.not_valid_after_utc.timestamp()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_and_at_once(files, number):
    with serving(files) as webhook, webhook.reviews() as idle:
        started_at = time.monotonic()
        assert webhook.stop(number) == 0
        assert time.monotonic() - started_at < 3, "though a client holds a connection"
        assert idle.is_closed_within(1)
    assert webhook.lines[-1]["event"] == "stopping"


def until_stopping(webhook):
    """Wait until it has heard the signal; what its probes say of it then."""
    while True:
        with webhook.probes() as client:
            answer = client.get("/readyz")
        if answer.status != 200:
            return answer.body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_a_signal_it_is_not_ready_and_serves_on_for_the_delay(files, number):
    with serving(files, shutdown_delay="1500ms") as webhook, webhook.reviews() as kept, webhook.reviews() as untouched:
        assert "connection" not in kept.post(pod("a")).headers
        told_at = time.monotonic()
        webhook.process.send_signal(number)
        assert until_stopping(webhook) == b"stopping"
        with webhook.reviews() as fresh:
            for client in (kept, fresh):
                answer = client.post(pod("a"))
                assert (answer.status, answer.headers["connection"]) == (200, "close")
                assert client.is_closed_within(1)
        assert not untouched.is_closed_within(0.3), "idle connections are kept: they may be used"
        assert webhook.process.wait(10) == 0
        assert 1.5 < time.monotonic() - told_at < 4, "a second more for the goodbye that the client never says"
        assert untouched.is_closed_within(0)


def test_a_second_signal_ends_the_delay(files):
    with serving(files, shutdown_delay="1m") as webhook:
        webhook.process.send_signal(signal.SIGTERM)
        until_stopping(webhook)
        assert webhook.stop() == 0
    assert [line["event"] for line in webhook.lines[-2:]] == ["stopping", "stopping at once"]


def test_a_review_in_flight_ends_in_its_answer(files, silent_registry):
    body = pod(f"{silent_registry}/team/app:1")
    settings = {"network__loopback": "true", "network__response_timeout": "1s", "network__insecure_hosts": '["*"]'}
    with serving(files, **settings) as webhook, webhook.reviews() as client:
        client.send(request(body))
        time.sleep(0.3)
        webhook.process.send_signal(signal.SIGTERM)
        answer = client.receive()
        assert answer.json["response"]["allowed"] is True
        assert webhook.process.wait(10) == 0


def test_the_deadline_answers_for_a_registry_that_does_not(files, silent_registry):
    body = pod(f"{silent_registry}/team/app:1")
    settings = {"network__loopback": "true", "network__response_timeout": "20s", "network__insecure_hosts": '["*"]'}
    with serving(files, **settings) as webhook:
        with webhook.reviews() as client:
            started_at = time.monotonic()
            response = client.post(body, "/validate?timeout=1s").json["response"]
            assert 0.3 < time.monotonic() - started_at < 1
        with webhook.probes() as client:
            assert b"pullcheck_deadline_exceeded_total 1.0\n" in client.get("/metrics").body
        webhook.stop()
    assert response["allowed"] is True
    assert response["warnings"]
    assert next(line for line in webhook.lines if line["event"] == "review")["deadline_exceeded"] is True


@pytest.fixture
def silent_registry():
    """Accepts connections and says nothing; its `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def pod(image):
    document = json.loads((CAPTURES / "create-pod.json").read_bytes())
    document["request"]["object"]["spec"]["containers"][0]["image"] = image
    return json.dumps(document).encode()


def test_the_registrys_requests_are_counted_in_metrics_and_log(files, silent_registry):
    settings = {"network__loopback": "true", "network__response_timeout": "200ms", "network__insecure_hosts": '["*"]'}
    with serving(files, **settings) as webhook:
        with webhook.reviews() as client:
            client.post(pod(f"{silent_registry}/team/app:1"))
        with webhook.probes() as client:
            metrics = client.get("/metrics").body.decode()
        webhook.stop()
    asked = re.findall(
        rf'^pullcheck_registry_requests_total{{.*registry="{silent_registry}"}} (\d+)', metrics, re.MULTILINE
    )
    assert asked
    (line,) = [line for line in webhook.lines if line["event"] == "review"]
    assert line["requests"] == sum(map(int, asked)) > 0


def test_a_client_must_bear_the_name_that_the_settings_say(files, tmp_path):
    def showing(name):
        pair = client_pair(files.authority, name)
        (tmp_path / name).write_bytes(pair.certificate + pair.key)
        context = ssl.create_default_context(cafile=files.ca)
        context.load_cert_chain(tmp_path / name)
        return context

    settings = {"tls__client_ca": str(files.ca), "tls__client_names": '["kube-apiserver"]'}
    with serving(files, **settings) as webhook:
        with webhook.reviews(showing("kube-apiserver")) as client:
            assert client.post(pod("a")).status == 200
        with pytest.raises(OSError), webhook.reviews(showing("somebody")) as client:  # noqa: PT011 (reset, or closed)
            client.post(pod("a"))
        webhook.stop()
    assert any("turned away" in str(line.get("message")) for line in webhook.lines)


@pytest.mark.parametrize(("begin", "end", "words"), [(-3, -1, "expired at"), (1, 3, "not valid before")])
def test_a_certificate_that_is_not_valid_now_is_told_and_served(tmp_path, begin, end, words):
    now = datetime.now(UTC)
    files = serving_files(tmp_path, begin=now + begin * HOUR, end=now + end * HOUR)
    with serving(files) as webhook:
        (warning,) = [line for line in webhook.lines if line["event"] == "warning"]
        assert words in warning["message"]
        trust = ssl.create_default_context(cafile=files.ca)
        with pytest.raises(ssl.SSLCertVerificationError):
            webhook.reviews(trust)
        with webhook.probes() as client:
            assert client.get("/readyz").status == 200


def test_what_kubernetes_injects_is_a_warning(files):
    with serving(files, port="tcp://10.0.0.1:443") as webhook:
        assert [line["event"] for line in webhook.lines] == ["warning", "serving"]
        assert "PULLCHECK_PORT" in webhook.lines[0]["message"]


def test_the_level_hides_reviews_and_never_the_addresses(files):
    with serving(files, log_level="error") as webhook:
        with webhook.reviews() as client:
            client.post(pod("a"))
        webhook.stop()
    assert [line["event"] for line in webhook.lines] == ["serving"]


def test_a_reader_of_the_log_that_stops_reading_stops_no_review(files):
    with serving(files) as webhook, webhook.reviews() as client:
        for _ in range(400):
            assert client.post((CAPTURES / "delete-pod.json").read_bytes()).status == 200


def test_the_settings_come_from_the_file_that_is_named(files, tmp_path):
    (tmp_path / "pullcheck.yaml").write_text("log_level: error\nmode: warn\n")
    with serving(files, "--config", str(tmp_path / "pullcheck.yaml")) as webhook, webhook.reviews() as client:
        assert client.post(pod("UPPER")).json["response"]["allowed"] is True, "in mode warn"
    (tmp_path / "pullcheck.yaml").write_text("log_level: error\n")
    with serving(files, "--config", str(tmp_path / "pullcheck.yaml")) as webhook, webhook.reviews() as client:
        assert client.post(pod("UPPER")).json["response"]["allowed"] is False


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"mode": "strict"}, "settings: mode=strict: expected enforce or warn"),
        ({"tls__certificate": "/no/tls.crt"}, "/no/tls.crt: no such file or directory"),
        ({"tls__client_ca": "/no/ca.crt"}, "/no/ca.crt: no such file or directory"),
        ({"listen": "192.0.2.1:8443"}, "192.0.2.1:8443: cannot assign requested address"),
        ({"cluster": "/no/manifests"}, "/no/manifests"),
        ({"cluster": "kubernetes"}, ""),
        ({"config": "/no/pullcheck.yaml"}, "settings: /no/pullcheck.yaml"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_person_can_mend_stops_the_start_with_one_line_and_code_2(files, settings, line):
    done = run(files, **settings)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"pullcheck: {line}")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_stops_the_start(files):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(files, probes=address)
    assert (done.returncode, done.stderr) == (2, f"pullcheck: {address}: address already in use\n")


def test_the_command_explains_itself():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "--config FILE" in done.stdout


def test_nothing_of_the_tests_is_needed_to_serve():
    """The package alone is what the image holds."""
    assert not [
        path
        for path in Path("webhook").rglob("*.py")
        if re.search(r"^(from|import) tests", path.read_text(), re.MULTILINE)
    ]
