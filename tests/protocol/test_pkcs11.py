"""Signing keys in a PKCS#11 token: made there, used there, and never seen outside."""

import json
import os
import sys
import threading
import warnings
from dataclasses import dataclass, replace

import jwt
import pytest

from identity import doctor, files, waiting
from identity import settings as settings_module
from identity.errors import InvalidToken
from identity.files import UnsafeFileError
from identity.signing import keys
from identity.signing.key_files import Keepers, create, remove, rotate
from identity.signing.key_list import FILE, TOKEN, State, listed
from identity.signing.keys import SigningKeys
from tests import softhsm
from tests.installations import a_key_folder
from tests.turns import in_a_turn

pytestmark = [pytest.mark.softhsm, pytest.mark.slow]  # a token makes RSA keys in its own time

FEW = ("ES256", "EdDSA")  # without RSA it is quick


@pytest.fixture
def environ(request, tmp_path_factory, monkeypatch):
    """Where the library finds the token, whenever it looks."""
    told = softhsm.the_token(request.config, tmp_path_factory)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return told


@pytest.fixture
def secrets(environ, tmp_path):
    _ = environ
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    files.replace(folder / "hsm-pin", softhsm.PIN.encode())
    return folder


@pytest.fixture
def keeper(secrets):
    from identity.signing import token_keys  # noqa: PLC0415 - nobody needs it without the extra

    return token_keys.keeper(softhsm.module(), softhsm.LABEL, secrets=secrets)


@dataclass(frozen=True)
class Few:
    """The same token, as one that knows two algorithms."""

    keeper: object
    algorithms: tuple[str, ...] = FEW

    def __getattr__(self, name):
        return getattr(self.keeper, name)


@pytest.fixture
def few(secrets, keeper):
    return Keepers.of(secrets / "signing", Few(keeper))


@pytest.fixture
def folder(secrets, few):
    create(secrets / "signing", few)
    return secrets / "signing"


def verified(signing, token, alg):
    key = jwt.PyJWKSet.from_dict(json.loads(signing.jwks()))[
        jwt.get_unverified_header(token)["kid"]
    ]
    return jwt.decode(token, key, algorithms=[alg])


def look_again(signing):
    signing._looked_at -= 60


def test_each_algorithm_signs_in_the_token_and_verifies_outside(secrets, keeper):
    """RFC 7518 §3, RFC 8037 §3.1: as another library reads the published keys."""
    keepers = Keepers.of(secrets / "signing", keeper)
    create(secrets / "signing", keepers)
    signing = SigningKeys(secrets / "signing", keepers)

    assert signing.algorithms() == ("ES256", "PS256", "EdDSA", "RS256")
    for alg in signing.algorithms():
        for n in range(3):  # a signature that begins with zeros is as long as the others
            assert verified(signing, signing.sign({"n": n}, typ="JWT", alg=alg), alg) == {"n": n}
    assert {key.kept for key in listed(secrets / "signing")} == {TOKEN}
    assert not list((secrets / "signing").glob("*.pem"))


def test_the_event_loop_does_not_wait_for_a_token(folder, few):
    """It answers everybody else meanwhile: a thread signs."""
    signing = SigningKeys(folder, few)

    with pytest.raises(waiting.MustWait):
        in_a_turn(lambda: signing.sign({}, typ="JWT"))

    assert verified(signing, signing.sign({"n": 1}, typ="JWT"), "ES256") == {"n": 1}


def test_a_private_half_cannot_be_taken_out(folder, keeper):
    """Not by whoever has the PIN, either."""
    import pkcs11  # noqa: PLC0415 - nobody needs it without the extra

    kid = listed(folder)[0].kid

    def value(session):
        key = keeper.token.private_key(session, kid)
        assert key[pkcs11.Attribute.NEVER_EXTRACTABLE]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]

    keeper.token.ask(value)


def test_keys_are_rotated_in_the_token(folder, few, keeper):
    """The running process follows; the retired key is out of the token, and still believed."""
    signing = SigningKeys(folder, few)
    old = signing.sign({"iss": "x"}, typ="JWT")
    retired = {key.kid for key in listed(folder) if key.state is State.CURRENT}

    rotate(folder, few, early=True)
    look_again(signing)

    fresh = signing.sign({"iss": "x"}, typ="JWT")
    assert jwt.get_unverified_header(fresh)["kid"] not in retired
    assert verified(signing, old, "ES256") == verified(signing, fresh, "ES256") == {"iss": "x"}
    for kid in retired:
        with pytest.raises(UnsafeFileError, match="NoSuchKey"):
            keeper.signer(kid, "ES256")


def test_a_stolen_key_is_destroyed(folder, few, keeper):
    """`keys remove` of a key in the token."""
    signing = SigningKeys(folder, few)
    token = signing.sign({}, typ="JWT", alg="EdDSA")
    kid = jwt.get_unverified_header(token)["kid"]

    remove(folder, few, kid=kid)
    look_again(signing)

    with pytest.raises(InvalidToken):
        signing.read_signed(token, typ="JWT", algorithms=("EdDSA",))
    assert verified(signing, signing.sign({}, typ="JWT", alg="EdDSA"), "EdDSA") == {}
    with pytest.raises(UnsafeFileError):
        keeper.signer(kid, "EdDSA")


def test_a_stolen_key_dies_though_the_token_is_away(folder, few, keeper, monkeypatch):
    """The list counts at once; what the token has to do is told, and done by the next rotation."""
    signing = SigningKeys(folder, few)
    tokens = {alg: signing.sign({}, typ="JWT", alg=alg) for alg in FEW}
    kid = jwt.get_unverified_header(tokens["EdDSA"])["kid"]

    with monkeypatch.context() as away:
        away.setattr(keeper.token, "ask", refuse)
        removal = remove(folder, few, kid=kid)
        look_again(signing)
        with pytest.raises(InvalidToken):
            signing.read_signed(tokens["EdDSA"], typ="JWT", algorithms=("EdDSA",))
        assert signing.read_signed(tokens["ES256"], typ="JWT", algorithms=("ES256",)) == {}
        assert signing.algorithms() == ("ES256",)
        with pytest.raises(UnsafeFileError, match="away"):
            signing.try_out(["ES256"])  # what /readyz asks
    look_again(signing)

    assert (removal.gone.kid, removal.fault) == (kid, "away")
    assert removal.successor.kid != kid
    assert verified(signing, signing.sign({}, typ="JWT", alg="EdDSA"), "EdDSA") == {}
    rotate(folder, few, early=True)
    assert {State.NEXT, State.CURRENT} <= {k.state for k in listed(folder) if k.alg == "EdDSA"}


def refuse(*_, **__):
    raise UnsafeFileError("away")


def test_an_installation_with_files_moves_into_the_token(secrets, few):
    """Two rotations: keys in files go on until they have retired; what no token makes stays."""
    folder = a_key_folder(secrets / "signing")
    signing = SigningKeys(folder, few)
    assert {key.kept for key in listed(folder)} == {FILE}
    tokens = [signing.sign({}, typ="JWT", alg=alg) for alg in signing.algorithms()]

    for _ in range(2):
        rotate(folder, few, early=True)
        look_again(signing)
        tokens += [signing.sign({}, typ="JWT", alg=alg) for alg in signing.algorithms()]

    now = {key.alg: key.kept for key in listed(folder) if key.state is State.CURRENT}
    assert now == {"ES256": TOKEN, "EdDSA": TOKEN, "PS256": FILE, "RS256": FILE}
    assert len(list(folder.glob("*.pem"))) == 2
    for token in tokens:
        alg = jwt.get_unverified_header(token)["alg"]
        assert verified(signing, token, alg) == {}


def test_threads_take_turns(folder, few):
    """The library knows nothing of threads: eight of them, and each signature is whole."""
    signing, tokens = SigningKeys(folder, few), []

    def sign():
        tokens.extend(signing.sign({"n": n}, typ="JWT", alg=FEW[n % 2]) for n in range(40))

    threads = [threading.Thread(target=sign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tokens) == 320
    assert all(
        verified(signing, token, jwt.get_unverified_header(token)["alg"]) for token in tokens[:40]
    )


def from_a_child(signing) -> str:
    """What a child of this process signs; it has no thread of ours, and our locks as they were."""
    told, to_tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python says since 3.12 what this is here to try
        child = os.fork()
    if child == 0:
        try:
            os.write(to_tell, signing.sign({"from": "child"}, typ="JWT").encode())
        finally:
            os._exit(0)  # whatever happened: here is no place for the rest of the suite
    os.close(to_tell)
    with os.fdopen(told) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_children_sign_while_a_thread_of_their_parent_does(folder, few):
    """A server forks its workers: each begins anew with the library, and finds the same keys."""
    signing, stop = SigningKeys(folder, few), threading.Event()

    def sign():
        while not stop.is_set():
            signing.sign({}, typ="JWT", alg="EdDSA")

    thread = threading.Thread(target=sign)
    thread.start()
    try:
        tokens = [from_a_child(signing) for _ in range(3)]
    finally:
        stop.set()
        thread.join()

    for token in [*tokens, signing.sign({"from": "child"}, typ="JWT")]:
        assert verified(signing, token, "ES256") == {"from": "child"}


def test_after_a_restart_the_keys_are_there(folder, few, keeper):
    """The library forgets everything; the list names the keys, and the token has them."""
    import pkcs11  # noqa: PLC0415 - nobody needs it without the extra

    token = SigningKeys(folder, few).sign({}, typ="JWT")
    pkcs11.lib(str(softhsm.module())).reinitialize()
    keeper.token.after_fork()

    signing = SigningKeys(folder, few)

    assert verified(signing, token, "ES256") == {}
    again = signing.sign({}, typ="JWT")
    assert jwt.get_unverified_header(again)["kid"] == jwt.get_unverified_header(token)["kid"]


def test_a_token_that_was_away_is_opened_again(folder, few, keeper):
    """A lost session costs one try, not the service."""
    signing = SigningKeys(folder, few)
    keeper.token._session.close()

    assert verified(signing, signing.sign({}, typ="JWT"), "ES256") == {}


class TestFaults:
    """Each is one line for the operator, and says nothing that is secret."""

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"label": "other"}, "NoSuchToken"),
            ({"module": "/nonexistent/library.so"}, "no PKCS#11 library"),
            ({"pin": "wrong"}, "PinIncorrect"),
        ],
    )
    def test_a_token_that_cannot_be_used(self, folder, few, changed, said):
        import pkcs11  # noqa: PLC0415 - as above

        from identity.signing import pkcs11_token, token_keys  # noqa: PLC0415 - as above

        pkcs11.lib(str(softhsm.module())).reinitialize()  # who is signed in needs no PIN
        for token in list(pkcs11_token._open):
            token.after_fork()
        told = {"module": softhsm.module(), "label": softhsm.LABEL, "pin": softhsm.PIN} | changed
        token = pkcs11_token.Token(told["module"], label=told["label"], pin=told["pin"])
        keepers = Keepers.of(folder, token_keys.TokenKeeper(token))

        with pytest.raises(UnsafeFileError, match=said) as fault:
            SigningKeys(folder, keepers)

        for _ in range(20):  # a token locks its PIN after a few wrong ones
            with pytest.raises(UnsafeFileError):
                SigningKeys(folder, keepers)
        assert SigningKeys(folder, few).algorithms() == FEW
        assert softhsm.PIN not in str(fault.value)
        assert told["pin"] not in str(fault.value)

    def test_a_list_with_keys_in_a_token_needs_the_token(self, folder):
        """Somebody took the setting away."""
        with pytest.raises(UnsafeFileError, match="MOTLAN_HSM_MODULE"):
            SigningKeys(folder)

    def test_a_pin_that_others_may_read_is_refused(self, secrets):
        from identity.signing import token_keys  # noqa: PLC0415 - as above

        (secrets / "hsm-pin").chmod(0o640)

        with pytest.raises(UnsafeFileError, match="0640"):
            token_keys.keeper(softhsm.module(), softhsm.LABEL, secrets=secrets)


def test_the_commands_use_the_token(app, settings, secrets):
    """MOTLAN_HSM_MODULE: made by `secrets init`, looked at by `doctor`."""
    chosen = replace(
        settings, secrets=secrets, hsm_module=softhsm.module(), hsm_token=softhsm.LABEL
    )
    settings_module.install(chosen)
    try:
        made = app.test_cli_runner().invoke(args=["secrets", "init"])
        listed_keys = app.test_cli_runner().invoke(args=["keys", "list"])
        well = doctor._look(doctor._secrets)
        settings_module.install(replace(chosen, hsm_token="another"))
        keys._opened.cache_clear()
        ill = doctor._look(doctor._secrets)
    finally:
        settings_module.install(settings)
        keys._opened.cache_clear()

    assert (made.exit_code, made.exception) == (0, None)
    assert listed_keys.output.count("current") == 4
    assert well is None
    assert "another" in ill
    assert "NoSuchToken" in ill


def test_without_the_library_the_line_says_what_to_install(settings, secrets, monkeypatch):
    """The extra hsm is for those who have a token."""
    monkeypatch.setitem(sys.modules, "identity.signing.token_keys", None)
    monkeypatch.delattr("identity.signing.token_keys", raising=False)
    chosen = replace(settings, secrets=secrets, hsm_module=softhsm.module())
    settings_module.install(chosen)
    try:
        with pytest.raises(UnsafeFileError, match="extra hsm"):
            keys.create()
    finally:
        settings_module.install(settings)
