#!/usr/bin/python3
"""Writes password hashes as other programs make them, one JSON object a line.

Needs Debian's python3-passlib, python3-django, python3-werkzeug, python3-bcrypt and python3-argon2. "of" names the maker;
"documented" means that the form was built from its documentation with Python's own hashlib, because the maker is no
Python library.
"""
import base64, hashlib, hmac, json, os, struct

import bcrypt
import django
from django.conf import settings
settings.configure()
django.setup()
from django.contrib.auth import hashers as dj
from passlib import hash as pl
import werkzeug.security as wz
import argon2

PASSWORDS = ["correct horse battery staple", "Grüße aus Köln – naïve ☃ 42", "x" * 80, "e\u0301te\u0301 with combining marks"]

def b64(b): return base64.b64encode(b).decode()

def rows(pw):
    raw = pw.encode()
    cut = raw[:72]
    yield "bcrypt 2b", "python-bcrypt", bcrypt.hashpw(cut, bcrypt.gensalt(5, b"2b")).decode()
    yield "bcrypt 2a", "python-bcrypt", bcrypt.hashpw(cut, bcrypt.gensalt(4, b"2a")).decode()
    yield "bcrypt 2y", "passlib", pl.bcrypt.using(rounds=4, ident="2y").hash(cut)
    yield "bcrypt_sha256", "Django", dj.BCryptSHA256PasswordHasher().encode(pw, bcrypt.gensalt(4))
    yield "bcrypt", "Django", dj.BCryptPasswordHasher().encode(pw, bcrypt.gensalt(4)) if len(raw) <= 72 else None
    yield "bcrypt-sha256 v2", "passlib", pl.bcrypt_sha256.using(rounds=4).hash(pw)
    yield "bcrypt-sha256 v1", "passlib", pl.bcrypt_sha256.using(rounds=4, version=1).hash(pw)
    mac = b64(hmac.new(b"wp-sha384", raw.strip(b" \t\n\r\0\x0b"), hashlib.sha384).digest())
    yield "wp", "documented", "$wp" + bcrypt.hashpw(mac.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    yield "scrypt", "passlib", pl.scrypt.using(rounds=10).hash(pw)
    salt = base64.b32encode(os.urandom(10)).decode()
    # As Werkzeug 2.3 and newer; Debian's is older.
    yield "scrypt", "documented", "scrypt:1024:8:1$%s$%s" % (salt, hashlib.scrypt(raw, salt=salt.encode(), n=1024, r=8, p=1, dklen=64).hex())
    yield "scrypt", "documented", "scrypt$1024$%s$8$1$%s" % (salt, b64(hashlib.scrypt(raw, salt=salt.encode(), n=1024, r=8, p=1, dklen=64)))
    yield "pbkdf2_sha256", "Django", dj.PBKDF2PasswordHasher().encode(pw, "saltsaltsalt", 1000)
    yield "pbkdf2_sha1", "Django", dj.PBKDF2SHA1PasswordHasher().encode(pw, "saltsaltsalt", 1000)
    yield "pbkdf2", "passlib", pl.pbkdf2_sha1.using(rounds=1000).hash(pw)
    yield "pbkdf2-sha256", "passlib", pl.pbkdf2_sha256.using(rounds=1000).hash(pw)
    yield "pbkdf2-sha512", "passlib", pl.pbkdf2_sha512.using(rounds=1000).hash(pw)
    for d in ("sha1", "sha256", "sha512"):
        yield "pbkdf2", "Werkzeug", wz.generate_password_hash(pw, "pbkdf2:%s:1000" % d)
    phc = os.urandom(16)
    yield "pbkdf2 phc", "documented", "$pbkdf2-sha256$i=1000,l=32$%s$%s" % (
        b64(phc).rstrip("="), b64(hashlib.pbkdf2_hmac("sha256", raw, phc, 1000, 32)).rstrip("="))
    s16 = os.urandom(16)
    yield "identity v2", "documented", b64(b"\0" + s16 + hashlib.pbkdf2_hmac("sha1", raw, s16, 1000, 32))
    for prf, name in ((0, "sha1"), (1, "sha256"), (2, "sha512")):
        yield "identity v3", "documented", b64(b"\1" + struct.pack(">III", prf, 1000, 16) + s16 + hashlib.pbkdf2_hmac(name, raw, s16, 1000, 32))
    for kind in (argon2.Type.I, argon2.Type.ID):
        ph = argon2.PasswordHasher(time_cost=2, memory_cost=1024, parallelism=2, type=kind)
        yield "argon2" + kind.name.lower(), "argon2-cffi", ph.hash(pw)
    d = dj.Argon2PasswordHasher(); d.memory_cost, d.time_cost, d.parallelism = 1024, 2, 2
    yield "argon2", "Django", d.encode(pw, "saltsaltsalt")

for pw in PASSWORDS:
    for scheme, of, h in rows(pw):
        if h:
            print(json.dumps({"scheme": scheme, "of": of, "password": pw, "hash": h}, ensure_ascii=False))
