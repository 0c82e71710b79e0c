from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from gateways.keys import private_key, public_key
from sandbox.provider_keys import PAYPAL_CERTIFICATE_NAME, ProviderKeys, ensure_keys
from tests.accounts import provider_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> ProviderKeys:
    return ensure_keys(tmp_path_factory.mktemp("keys"))


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_keys_once_made_stay_and_what_is_missing_is_made_again(keys: ProviderKeys) -> None:
    before = _contents(keys.directory)
    ensure_keys(keys.directory)
    assert _contents(keys.directory) == before

    # A pair counts as made once its public half is there: whoever dies before that begins anew.
    keys.public_half(keys.alipay_provider).unlink()
    ensure_keys(keys.directory)
    after = _contents(keys.directory)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"alipay-provider.pem", "alipay-provider.pub.pem"}


def test_only_their_owner_can_read_them(keys: ProviderKeys) -> None:
    assert {path.stat().st_mode & 0o777 for path in keys.directory.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "name", ["alipay_merchant", "alipay_provider", "wechatpay_merchant", "wechatpay_provider"]
)
def test_each_private_key_has_its_public_half_and_nobody_elses(name: str) -> None:
    keys = provider_keys()
    path: Path = getattr(keys, name)
    ours = private_key(str(path)).public_key().public_numbers()
    assert public_key(str(keys.public_half(path))).public_numbers() == ours
    others = {keys.alipay_merchant, keys.alipay_provider, keys.wechatpay_merchant} - {path}
    for other in others:
        assert public_key(str(keys.public_half(other))).public_numbers() != ours


def test_paypals_chain_leads_up_to_its_root_and_to_no_other(keys: ProviderKeys) -> None:
    leaf, *between = x509.load_pem_x509_certificates(keys.paypal_chain.read_bytes())
    root = x509.load_pem_x509_certificate(keys.paypal_root.read_bytes())
    name = x509.DNSName(PAYPAL_CERTIFICATE_NAME)
    verifier = (
        PolicyBuilder().store(Store([root])).time(datetime.now(UTC)).build_server_verifier(name)
    )
    assert verifier.verify(leaf, between)[-1] == root
    signing = private_key(str(keys.paypal_provider)).public_key()
    assert leaf.public_key() == signing

    strange = x509.load_pem_x509_certificate(provider_keys().paypal_root.read_bytes())
    suspicious = PolicyBuilder().store(Store([strange])).build_server_verifier(name)
    with pytest.raises(x509.verification.VerificationError):
        suspicious.verify(leaf, between)
