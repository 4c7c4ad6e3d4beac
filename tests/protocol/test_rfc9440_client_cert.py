"""The certificate of a connection as a proxy tells it, RFC 9440; names and paths, RFC 8705 §2.1."""

import base64
from dataclasses import dataclass
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from identity.certificates import names, shown, trust
from identity.certificates.shown import CHAIN, LEAF, UnreadableCertificateError
from identity.doors import Request
from identity.server import requests
from tests.certified import SUBJECT, authority, certificate, item, new_key
from tests.installations import installed

TAX = certificate()
ROOT = authority()


def request(leaf=None, chain=None):
    return Request({LEAF: leaf, CHAIN: chain})


def found(leaf, *chain):
    told = ", ".join(item(one.content) for one in chain)
    return shown.find(request(item(leaf.content), told or None))


@pytest.fixture
def anchored(tmp_path):
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(ROOT.made.public_bytes(Encoding.PEM))
    told = {"MOTLAN_TRUSTED_PROXIES": "127.0.0.1", "MOTLAN_CLIENT_CA": str(anchors)}
    with installed(tmp_path, **told) as settings:
        yield settings


def test_a_certificate_stands_between_colons():
    """RFC 9440 §2.2, RFC 8941 §3.3.5."""
    assert found(TAX).key == f"x5t#S256:{TAX.thumbprint}"
    assert shown.find(request()) is None


def test_the_example_of_the_specification_is_read():
    """RFC 9440 §2.1: base64 with padding, and white space around is none of it."""
    told = f"  {item(TAX.content)} "

    assert shown.find(request(told)).content == TAX.content


def test_a_chain_is_a_list():
    """RFC 9440 §2.3."""
    between = authority("CN=between", by=ROOT)

    assert found(TAX, between, ROOT).chain == (between.made, ROOT.made)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: good.strip(":"),
        lambda good: good[:-1],
        lambda good: f'"{good.strip(":")}"',
        lambda good: good + ";a=1",
        lambda good: f"{good}, {good}",
        lambda good: f"{good},{good}",
        lambda good: good.replace("M", "*", 1),
        lambda _: f":{base64.urlsafe_b64encode(b'??>>' * 9).decode()}:",
        lambda good: ":" + good[5:],
        lambda good: good[:-41] + ":",
        lambda _: ":" + base64.b64encode(TAX.content + b"\x00").decode() + ":",
        lambda _: "-----BEGIN CERTIFICATE----- MII",
        lambda _: "%2D%2D%2D%2D%2DBEGIN%20CERTIFICATE",
        lambda _: "::",
        lambda _: ":",
        lambda _: "",
        lambda _: ":bWluZQ==:",
        lambda _: ":" + "A" * 40_000 + ":",
    ],
)
def test_what_is_no_certificate_is_told_apart(spoil):
    """Two, none, half a one, garbage, another coding, too long: never an accident."""
    with pytest.raises(UnreadableCertificateError):
        shown.find(request(spoil(item(TAX.content))))


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
def test_a_certificate_out_of_its_time_is_none(days):
    with pytest.raises(UnreadableCertificateError, match="time"):
        found(certificate(days=days))


@pytest.mark.usefixtures("anchored")
def test_a_key_of_an_unknown_kind_is_an_ordinary_refusal():
    odd = certificate(key=ed448.Ed448PrivateKey.generate(), by=ROOT)

    assert not trust.is_vouched_for(found(odd))


def _told(*headers: tuple[bytes, str]) -> dict[str, object]:
    """The environ that our server makes of them."""
    environ: dict[str, object] = {}
    for name, value in headers:
        requests.add_header(environ, name, value=value.encode())
    return environ


def test_two_headers_are_none_and_another_spelling_is_not_read():
    """As the server in front joins them; `Client_Cert` would pass for the header (case 33)."""
    one, other = item(TAX.content), item(certificate().content)

    joined = _told((b"client-cert", one), (b"client-cert", other))
    spelt = _told((b"client_cert", one), (b"Client_Cert-Chain", one))

    with pytest.raises(UnreadableCertificateError):
        shown.find(request(joined["HTTP_CLIENT_CERT"]))
    assert not [name for name in spelt if name.startswith("HTTP_")]


def test_a_chain_is_bounded():
    many = ", ".join([item(ROOT.content)] * 6)

    for told in (many, "A" * 30_000, f"{item(ROOT.content)}, x"):
        with pytest.raises(UnreadableCertificateError):
            shown.find(request(item(TAX.content), told))


@dataclass
class _Alternative:
    member: str
    name: x509.GeneralName
    value: str


ALTERNATIVES = [
    _Alternative(names.DNS, x509.DNSName("tax.example"), "tax.example"),
    _Alternative(names.DNS, x509.DNSName("Tax.Example"), "tAx.example"),
    _Alternative(names.URI, x509.UniformResourceIdentifier("urn:vn:tax"), "urn:vn:tax"),
    _Alternative(names.IP, x509.IPAddress(ip_address("2001:db8::7")), "2001:DB8:0::7"),
    _Alternative(names.EMAIL, x509.RFC822Name("it@tax.example"), "it@tax.example"),
]


@pytest.mark.parametrize("one", ALTERNATIVES, ids=lambda one: one.value)
def test_a_name_is_found_where_it_was_registered_to_be(one):
    """RFC 8705 §2.1.2."""
    its = found(certificate(more=(x509.SubjectAlternativeName([one.name]),)))

    names.check(one.member, one.value)
    assert names.has(its, one.member, value=one.value)
    others = {member for member in names.MEMBERS[1:] if member != one.member} - {names.IP}
    assert not any(names.has(its, member, value=one.value) for member in others)


@pytest.mark.parametrize(
    "dn",
    [
        SUBJECT,
        "2.5.4.3=tax office,2.5.4.10=Sở Tài chính,2.5.4.6=VN",
        r"CN=tax\20office,O=S\e1\bb\9f T\c3\a0i ch\c3\adnh,C=VN",
    ],
)
def test_a_subject_is_compared_part_by_part(dn):
    """RFC 8705 §2.1.2, RFC 4514: however it is written."""
    assert names.has(found(TAX), names.DN, value=dn)


@pytest.mark.parametrize(
    "dn",
    [
        "C=VN,O=Sở Tài chính,CN=tax office",
        "CN=tax office",
        "CN=tax office,O=Sở Tài chính",
        "CN=TAX OFFICE,O=Sở Tài chính,C=VN",
        "CN=tax office+O=Sở Tài chính,C=VN",
        r"CN=tax office\,O=Sở Tài chính,C=VN",
        "OU=tax office,O=Sở Tài chính,C=VN",
    ],
)
def test_another_subject_is_another(dn):
    assert not names.has(found(TAX), names.DN, value=dn)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (names.DN, "tax office"),
        (names.DN, "CN="),
        (names.DN, ""),
        (names.DN, "CN=a, O=b"),
        (names.DNS, "*.tax.example"),
        (names.DNS, "sở.example"),
        (names.URI, "tax"),
        (names.IP, "300.1.1.1"),
        (names.IP, "10.0.0.0/8"),
        (names.EMAIL, "tax"),
    ],
)
def test_a_name_that_no_certificate_has_is_not_registered(member, value):
    with pytest.raises(ValueError, match="must"):
        names.check(member, value)


def test_a_wildcard_stands_for_no_name():
    """RFC 8705 §2.1.2: one host, not those that it would serve on the web."""
    wild = found(certificate(more=(x509.SubjectAlternativeName([x509.DNSName("*.tax.example")]),)))

    assert not names.has(wild, names.DNS, value="a.tax.example")
    assert not names.has(found(TAX), names.DNS, value="tax.example")


@pytest.mark.usefixtures("anchored")
@pytest.mark.parametrize(
    "key",
    [new_key(), ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()],
)
def test_an_authority_of_ours_vouches(key):
    """RFC 5280 §6."""
    assert trust.is_vouched_for(found(certificate(key=key, by=ROOT)))


@pytest.mark.usefixtures("anchored")
def test_a_path_may_lead_over_another():
    """RFC 9440 §2.3: the proxy tells what stands between."""
    between = authority("CN=between", by=ROOT)
    leaf = certificate(by=between)

    assert trust.is_vouched_for(found(leaf, between))
    assert trust.is_vouched_for(found(leaf, between, ROOT))
    assert not trust.is_vouched_for(found(leaf))


def test_an_authority_in_between_may_be_an_anchor(tmp_path):
    """Most proxies do not tell the chain, so an operator puts it where the anchors are."""
    between, anchors = authority("CN=between", by=ROOT), tmp_path / "anchors.pem"
    anchors.write_bytes(between.made.public_bytes(Encoding.PEM))
    told = {"MOTLAN_TRUSTED_PROXIES": "127.0.0.1", "MOTLAN_CLIENT_CA": str(anchors)}

    with installed(tmp_path, **told):
        assert trust.is_vouched_for(found(certificate(by=between)))
        assert not trust.is_vouched_for(found(certificate(by=ROOT)))


@pytest.mark.usefixtures("anchored")
def test_it_may_say_that_it_is_for_clients():
    """RFC 5280 §4.2.1.12."""
    for usage in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE):
        leaf = certificate(by=ROOT, more=(x509.ExtendedKeyUsage([usage]),))
        assert trust.is_vouched_for(found(leaf))


class TestAttacker:
    """Has certificates of all kinds but the right one."""

    @pytest.mark.usefixtures("anchored")
    def test_nobody_vouches_for_these(self):
        other, service = authority(), certificate(by=ROOT)
        forged = certificate(by=other)
        serving = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point

        assert not trust.is_vouched_for(found(TAX))  # signed by itself
        assert not trust.is_vouched_for(found(forged))  # an authority of the same name
        assert not trust.is_vouched_for(found(forged, other))  # and brings it along
        assert not trust.is_vouched_for(found(certificate(by=service), service))  # by a service
        assert not trust.is_vouched_for(found(certificate(by=ROOT, more=(serving,))))
        assert not trust.is_vouched_for(found(certificate(by=ROOT, key=weak)))
        assert not trust.is_vouched_for(found(authority("CN=between", by=ROOT)))

    def test_without_anchors_nobody_is_vouched_for(self, tmp_path):
        with installed(tmp_path, MOTLAN_TRUSTED_PROXIES="127.0.0.1"):
            assert not trust.is_vouched_for(found(certificate(by=ROOT)))
