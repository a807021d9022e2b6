"""Key files as Bittensor's wallets write them, for test/workers/keyfile.test.ts.

Usage: make_keyfile_goldens.py, from anywhere; writes keyfiles/ beside itself. The key is that of a mnemonic that everybody
knows, the password "correct horse battery". Salts and nonces are drawn by the libraries, so that each run writes others.
Made with Python 3.11, bittensor-wallet 4.1.1, cryptography 50.0.2. The oldest encryption is read but not written any more:
`fernet` does what bittensor 3 did.
"""

import base64
import json
import pathlib

import bittensor_wallet.keyfile as keyfile
from bittensor_wallet import Keypair
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

FOLDER = pathlib.Path(__file__).parent / "keyfiles"
PASSWORD = "correct horse battery"
MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"
FERNET_SALT = b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins"


def fernet(data):
    derivation = PBKDF2HMAC(algorithm=hashes.SHA256(), salt=FERNET_SALT, length=32, iterations=10_000_000)
    return Fernet(base64.urlsafe_b64encode(derivation.derive(PASSWORD.encode()))).encrypt(data)


plain = keyfile.serialized_keypair_to_keyfile_data(Keypair.create_from_mnemonic(MNEMONIC))
whole = json.loads(plain)
public = {name: whole[name] for name in ("accountId", "publicKey", "ss58Address", "cryptoType")}
FOLDER.mkdir(exist_ok=True)
(FOLDER / "plain").write_bytes(plain)
(FOLDER / "coldkeypub.txt").write_text(json.dumps(public))
(FOLDER / "private-key").write_text(json.dumps({**public, "privateKey": whole["privateKey"]}))
(FOLDER / "nacl").write_bytes(keyfile.encrypt_keyfile_data(plain, PASSWORD))
(FOLDER / "ansible").write_bytes(keyfile.legacy_encrypt_keyfile_data(plain, PASSWORD))
(FOLDER / "fernet").write_bytes(fernet(plain))
