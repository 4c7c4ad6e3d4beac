"""Which keys a public service may show, RFC 7517 §5, and for how long it is remembered."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from identity.public_services import registered
from identity.public_services.service_keys import (
    KEY_MANAGEMENT,
    MOST_KEYS,
    NotPublicKeysError,
    can_encrypt,
    public_keys,
    usable_keys,
)
from tests.public_services import a_service, public_jwk


def a_key(kid="k1", **members):
    """The public half of a new key that proves something."""
    told = public_jwk(ec.generate_private_key(ec.SECP256R1()), kid) | members
    return {name: value for name, value in told.items() if value is not None}


def rsa_key(bits):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    told = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: value for name, value in told.items() if name != "key_ops"}


def of_curve(curve):
    told = ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)
    return {name: value for name, value in told.items() if name != "key_ops"}


def refused(*keys):
    with pytest.raises(NotPublicKeysError):
        public_keys({"keys": list(keys)})
    return True


def test_a_key_of_each_use_is_taken():
    """RFC 7517 §4.2: without one it is for signatures."""
    keys = [a_key("a"), a_key("b", use=None), a_key("c", use="enc", alg="ECDH-ES")]
    keys.append(rsa_key(2048))

    assert public_keys({"keys": keys}) == tuple(keys)
    assert usable_keys({"keys": keys}) == tuple(keys)


def test_of_a_set_for_several_what_we_cannot_use_is_left_out():
    """RFC 7517 §5: a set may have keys that are for somebody else."""
    good = a_key()
    others = [a_key("b", alg="ES512"), a_key("c", use="tls"), a_key(7), {}, "text"]

    assert usable_keys({"keys": [*others, good]}) == (good,)
    for other in others:
        assert refused(good, other)


def test_what_a_key_is_for_is_not_stretched():
    """RFC 7517 §4.2, §4.4: encrypted to for that algorithm alone, and by no key for signatures."""
    elliptic, any_alg = a_key(use="enc", alg="ECDH-ES"), a_key(use="enc", alg=None)
    for_rsa = rsa_key(2048) | {"use": "enc"}

    fit = [
        [alg for alg in KEY_MANAGEMENT if can_encrypt(key, alg)]
        for key in (elliptic, any_alg, for_rsa, a_key(), rsa_key(2048))
    ]

    both = ["ECDH-ES", "ECDH-ES+A256KW"]
    assert fit == [["ECDH-ES"], both, ["RSA-OAEP-256"], [], []]


@pytest.mark.usefixtures("app")
def test_a_service_is_remembered_until_its_time_is_over(monkeypatch):
    """Design §4: half a minute, under both of its names."""
    service, memory = a_service().service, registered._Memory()
    memory.keep(service)
    names = service.client_id, service.id
    assert [memory.fresh(name) for name in names] == [service, service]

    monkeypatch.setattr(registered, "REMEMBERED_SECONDS", 0.0)
    memory.keep(service)

    assert [memory.fresh(name) for name in names] == [None, None]


@pytest.mark.usefixtures("app")
def test_what_is_dropped_is_dropped_under_both_names():
    service, other, memory = a_service().service, a_service().service, registered._Memory()
    memory.keep(service)
    memory.keep(other)

    memory.drop(service)

    assert [memory.fresh(name) for name in (service.client_id, service.id)] == [None, None]
    assert memory.fresh(other.id) is other


@pytest.mark.usefixtures("app")
def test_what_is_remembered_of_services_has_an_end(monkeypatch):
    monkeypatch.setattr(registered, "MOST_REMEMBERED", 4)
    memory = registered._Memory()
    for _ in range(6):
        memory.keep(a_service().service)

        assert len(memory._kept) <= 4 + 1


class TestAttacker:
    """Publishes what is secret, or what is soon broken, and is believed nothing."""

    @pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
    def test_one_private_key_spoils_the_whole_set(self, member):
        """RFC 7517 §9.2: whoever shows one may have shown the others elsewhere."""
        shown = {"keys": [a_key("good"), a_key("bad", **{member: "AAAA"})]}

        for read in (public_keys, usable_keys):
            with pytest.raises(NotPublicKeysError, match="private members"):
                read(shown)

    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # it says so too
    def test_a_key_that_is_soon_broken_proves_nothing(self):
        """RFC 7518 §3.3; and no curve that we did not choose."""
        weak = rsa_key(1024)
        for key in (weak, of_curve(ec.SECP384R1()), of_curve(ec.SECP256K1())):
            assert refused(key), key["kty"]
            assert usable_keys({"keys": [key, a_key()]})[0]["kid"] == "k1"

    @pytest.mark.parametrize("count", [0, MOST_KEYS + 1])
    def test_a_set_has_one_key_and_not_hundreds(self, count):
        """Each of them is tried, and kept."""
        assert refused(*(a_key(f"k{n}") for n in range(count)))
        with pytest.raises(NotPublicKeysError):
            usable_keys({"keys": [a_key(f"k{n}") for n in range(count)]})

    @pytest.mark.parametrize("told", [None, [], "keys", {"keys": {}}, {"keys": "k"}, {}])
    def test_what_is_no_set_gives_no_keys(self, told):
        for read in (public_keys, usable_keys):
            with pytest.raises(NotPublicKeysError):
                read(told)

    def test_two_keys_of_one_name_and_kind_are_told_apart_by_nobody(self):
        """FAPI 2.0 §5.4.3."""
        assert refused(a_key(), a_key())
        assert refused(a_key(kid=None), a_key(kid=None))
        assert len(public_keys({"keys": [a_key(), a_key(use="enc", alg="ECDH-ES")]})) == 2

    def test_a_key_is_for_the_uses_that_are_asked_for(self):
        with pytest.raises(NotPublicKeysError):
            public_keys({"keys": [a_key(use="enc", alg="ECDH-ES")]}, ("sig",))
        assert refused(a_key(use="enc", alg="ES256"))
        assert refused(a_key(alg="ECDH-ES"))
