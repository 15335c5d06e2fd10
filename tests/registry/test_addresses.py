from ipaddress import ip_address

import pytest

from webhook.registry.addresses import Place, forms, place, read_literal


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1.1.1.1", Place.PUBLIC),
        ("172.15.255.255", Place.PUBLIC),
        ("172.32.0.0", Place.PUBLIC),
        ("100.63.255.255", Place.PUBLIC),
        ("100.128.0.0", Place.PUBLIC),
        ("2606:4700::1111", Place.PUBLIC),
        ("3ffe:ffff::1", Place.PUBLIC),
        ("10.1.2.3", Place.PRIVATE),
        ("172.16.0.1", Place.PRIVATE),
        ("172.31.255.255", Place.PRIVATE),
        ("192.168.1.1", Place.PRIVATE),
        ("100.64.0.1", Place.PRIVATE),
        ("100.127.255.255", Place.PRIVATE),
        ("fc00::1", Place.PRIVATE),
        ("fdff:ffff::1", Place.PRIVATE),
        ("127.0.0.1", Place.LOOPBACK),
        ("127.255.255.254", Place.LOOPBACK),
        ("::1", Place.LOOPBACK),
    ],
)
def test_registries_live_at_public_private_and_loopback_addresses(text, where):
    assert place(ip_address(text)) is where


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.0.1",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "fe80::1",
        "fe80::a9fe:a9fe",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "100::1",
        "5f00::1",
        "64:ff9b:1::a9fe:a9fe",
        "2001:db8::1",
        "2001:20::1",
        "2001:2::1",
        "3fff::1",
        "4000::1",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
    ],
)
def test_link_local_multicast_unspecified_reserved_and_metadata_addresses_are_special(text):
    assert place(ip_address(text)) is Place.SPECIAL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", ["10.0.0.1"]),
        ("2606:4700::1111", ["2606:4700::1111"]),
        ("::ffff:169.254.169.254", ["169.254.169.254"]),
        ("2002:a9fe:a9fe::", ["2002:a9fe:a9fe::", "169.254.169.254"]),
        ("64:ff9b::a9fe:a9fe", ["64:ff9b::a9fe:a9fe", "169.254.169.254"]),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"]),
    ],
)
def test_an_address_has_every_form_that_its_packets_may_take(text, expected):
    assert [str(form) for form in forms(ip_address(text))] == [str(ip_address(form)) for form in expected]


@pytest.mark.parametrize("text", ["64:ff9b::808:808", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2002:808:808::"])
def test_what_carries_an_address_is_no_special_place_by_itself(text):
    assert place(ip_address(text)) is Place.PUBLIC


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("10.258", "10.0.1.2"),
        ("192.168.257", "192.168.1.1"),
        ("169.254.169.254.", "169.254.169.254"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("4294967295", "255.255.255.255"),
    ],
)
def test_an_address_is_read_in_every_spelling_of_inet_aton(host, expected):
    assert str(read_literal(host)) == expected


@pytest.mark.parametrize(
    "host",
    [
        "registry.example.com",
        "localhost",
        "",
        ".",
        "4294967296",
        "256.1",
        "1.256.1",
        "1.2.65536",
        "1.2.3.256",
        "1.2.3.4.5",
        "08",
        "0xg",
        "1..2",
        "-1",
        "+1",
        "1_0",
        "١٢٧.0.0.1",
        "fe80::1%eth0",
        "9" * 65,
        "1.2.3.a",
    ],
)
def test_a_name_is_no_address(host):
    assert read_literal(host) is None
