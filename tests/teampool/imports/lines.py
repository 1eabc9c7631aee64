"""Random lines of an import: out of the product's own grammar, and hostile ones. Each knows what may be used of it."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from random import Random
from typing import Any

WORDS = (
    "correct",
    "horse",
    "battery",
    "staple",
    "hunter",
    "密码",
    "пароль",
    "sésame",
    "token",
    "eyJ",
    "rt",
    "app",
    "at",
)
NOTES = ("刚买的", "новый аккаунт", "paid until May", "见备注 3", "\u202etxet neddih\u202c", "don't resell", "—")
UNSEEN = ("\u200b", "\u200e", "\u202a", "\u202c", "\u2060", "\ufeff", "\u00ad")
MARKS = ("----", ",", "\t", "|", ";", " ---- ", ", ", "，", " | ", "｜", "；")
LABELS = {
    "email": ("邮箱：", "email: ", "账号：", "E-mail=", "账号: "),
    "password": ("密码：", "password: ", "口令：", "pass="),
    "2fa": ("2FA：", "totp: ", "密钥：", "2fa secret: "),
    "note": ("备注：", "note: ", "remark="),
    "recovery": ("辅助邮箱：", "recovery email: "),
    "access_token": ("token：", "AT: ", "access_token=", "访问令牌：", "Bearer: ", "token: Bearer "),
    "refresh_token": ("RT：", "refresh_token: ", "刷新令牌="),
    "session_token": ("ST: ", "session_token=", "会话令牌："),
    "client_id": ("client_id: ", "client id："),
}
HEADERS = {
    "index": ("序号", "#", "No.", "编号"),
    "email": ("邮箱", "email", "账号", "E-mail"),
    "password": ("密码", "password", "Pass"),
    "2fa": ("2FA", "谷歌验证", "totp secret"),
    "note": ("备注", "note", "说明"),
    "recovery": ("辅助邮箱", "recovery email"),
    "date": ("到期", "expires"),
    "access_token": ("访问令牌", "access_token", "AT", "token"),
    "refresh_token": ("刷新令牌", "refresh token", "RT"),
    "session_token": ("会话令牌", "session_token", "ST"),
    "client_id": ("client id", "Client_ID"),
}


@dataclass
class Line:
    """One or several lines of text for one account. `tokens`: what may be used; `secrets`: what must go nowhere."""

    text: str
    tokens: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    numbers: range = range(0)


def password(random: Random) -> str:
    letters = string.ascii_letters + string.digits
    return random.choice(
        (
            lambda: "-".join(random.sample(WORDS, 3)) + str(random.randrange(100)),
            lambda: "".join(random.choices(letters, k=random.randrange(8, 48))),
            lambda: "".join(random.choices(letters + "!@#$%^&*()_+?.~", k=random.randrange(8, 24))),
            lambda: f"eyJ{''.join(random.choices(letters, k=9))}.{''.join(random.choices(letters, k=12))}.x",
            lambda: f"rt_{''.join(random.choices(letters + '!?*', k=6))}!",
            lambda: f"Bearer{''.join(random.choices(letters, k=20))}",
            lambda: f"{''.join(random.choices(letters, k=6))}@{''.join(random.choices(letters, k=5))}!",
            lambda: f"v1.{''.join(random.choices(letters + '-_', k=40))}",
        )
    )()


def seed(random: Random) -> str:
    whole = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=random.choice((16, 32))))
    spaced = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return random.choice((whole, whole.lower(), spaced, f"otpauth://totp/OpenAI:me?secret={whole}&issuer=OpenAI"))


def rubbish(random: Random) -> tuple[str, str]:
    """A column that must not be used: its kind and value."""
    kind = random.choice(("password", "password", "2fa", "note", "recovery", "date", "phone", "url"))
    value = {
        "password": lambda: password(random),
        "2fa": lambda: seed(random),
        "note": lambda: random.choice(NOTES),
        "recovery": lambda: f"spare{random.randrange(10**6)}@example.org",
        "date": lambda: f"2026-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}",
        "phone": lambda: f"+86138{random.randrange(10**8):08}",
        "url": lambda: f"https://mail.example.com/{random.randrange(10**9)}/inbox",
    }[kind]()
    return kind, value


def documented(random: Random, login: dict[str, Any]) -> Line:
    """`email,AT,RT,ST,client id`, any of them left out."""
    names = ["email", "access_token", "refresh_token", "session_token", "client_id"]
    there = {name for name in names[1:] if random.random() < 0.5}
    there |= {"client_id"} if "refresh_token" in there else set()
    there |= {"email"} if random.random() < 0.8 or not there - {"client_id"} else set()
    mark = random.choice(MARKS)
    columns = [(login[name] or "") if name in there else "" for name in names]
    tokens = {login[name] for name in there & {"access_token", "refresh_token", "session_token"} if login[name]}
    return Line(mark.join(columns), tokens)


def hostile(random: Random, login: dict[str, Any]) -> Line:
    """An address, perhaps a token, and columns that must not be used, in any order."""
    columns = [login["email"]] if random.random() < 0.9 else []
    tokens = set()
    if random.random() < 0.6:
        token = login[random.choice(("access_token", "session_token"))]
        tokens.add(token)
        columns.append(token)
    others = [rubbish(random) for _ in range(random.randrange(1, 4))]
    columns += [value for _kind, value in others]
    random.shuffle(columns)
    mark = random.choice(MARKS)
    front = random.choice(("", "", "", "1. ", "12) ", "(3) ", "① ", "- ", "> ", "\ufeff", "  "))
    return Line(front + mark.join(columns), tokens, _secrets(others))


def labelled(random: Random, login: dict[str, Any]) -> Line:
    """The same with labels, on one line or on several."""
    fields = [("email", login["email"])] if random.random() < 0.9 else []
    tokens = set()
    for name in random.sample(("access_token", "session_token"), k=random.randrange(0, 2)):
        tokens.add(login[name])
        fields.append((name, login[name]))
    kinds: dict[str, str] = {}
    for kind, value in (rubbish(random) for _ in range(random.randrange(0, 4))):
        if kind in LABELS:
            kinds.setdefault(kind, value.replace("：", " ").replace(":", " "))
    fields += kinds.items()
    if not fields:
        fields = [("email", login["email"])]
    random.shuffle(fields)
    between = random.choice(("\n", " ", ", ", "----", "\t", "；"))
    text = between.join(random.choice(LABELS[name]) + value for name, value in fields)
    return Line(text, tokens, _secrets(list(kinds.items())))


def broken(random: Random, login: dict[str, Any]) -> Line:
    """What is no account: half a token, words, marks."""
    return Line(
        random.choice(
            (
                login["access_token"][: random.randrange(4, 30)],
                f"{login['email']}{random.choice(MARKS)}{login['access_token'][:40]}",
                random.choice(NOTES[:2]),
                "".join(random.choices(",;|-\t \"'`#:=", k=random.randrange(1, 12))) + "x",
                f'{{"accessToken": "{login["access_token"][:60]}',
                f"at-{''.join(random.choices(string.ascii_letters, k=30))}",
                "\u202e" + login["email"],
            )
        )
    )


def sheet(random: Random, logins: list[dict[str, Any]]) -> list[Line]:
    """A table below a header, in any order of columns, with an index or without."""
    token = random.choice(("access_token", "session_token"))
    kinds = ["email", token, *random.sample(["password", "2fa", "note", "recovery", "date"], k=random.randrange(0, 5))]
    random.shuffle(kinds)
    kinds = random.choice(([], ["index"])) + kinds
    mark = random.choice(("\t", ",", ";", "|", "----"))
    rows = [Line(mark.join(random.choice(HEADERS[kind]) for kind in kinds))]
    for number, login in enumerate(logins, 1):
        values, secrets = {"index": str(number), "email": login["email"], token: login[token]}, []
        for kind in kinds:
            while kind not in values:
                found, value = rubbish(random)
                if found == kind and mark not in value:
                    values[kind] = value
                    secrets.append((found, value))
        rows.append(Line(mark.join(values[kind] for kind in kinds), {login[token]}, _secrets(secrets)))
    return rows


def sprinkled(random: Random, line: Line) -> Line:
    """The line with characters no eye sees between its own, outside of tokens."""
    if random.random() < 0.8 or line.text[:1] in "#{[":
        return line
    return Line(random.choice(UNSEEN) + line.text + random.choice(UNSEEN), line.tokens, line.secrets)


def a_paste(random: Random, logins: list[dict[str, Any]], size: int) -> tuple[str, list[Line]]:
    """About `size` lines, sheets last so that no header names the columns of other lines; the text, and its lines."""
    lines: list[Line] = []
    while len(lines) < size * 0.8:
        make = random.choice((documented, hostile, hostile, labelled, labelled, broken))
        lines.append(sprinkled(random, make(random, random.choice(logins))))
    while len(lines) < size:
        lines += sheet(random, random.choices(logins, k=random.randrange(1, 8)))
    at, texts = 1, []
    for line in lines:
        # A blank line between, so that what stands on several lines ends there.
        line.numbers = range(at, at + line.text.count("\n") + 1)
        at = line.numbers.stop + 1
        texts.append(line.text)
    return "\n\n".join(texts), lines


def _secrets(columns: list[tuple[str, str]]) -> set[str]:
    return {value for kind, value in columns if kind in ("password", "2fa") and len(value) > 7}
