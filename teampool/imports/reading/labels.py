"""Names of columns and labels, in Chinese and English, and the labels in a line: `邮箱：a@b.co token：eyJ…`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from teampool.imports.reading.shapes import (
    ACCESS,
    ACCOUNT,
    CLIENT,
    DATE,
    EMAIL,
    NOTE,
    OTHER,
    PASSWORD,
    PHONE,
    RECOVERY,
    REFRESH,
    SEED,
    SESSION,
    Kind,
    Slot,
)

# A column that counts the lines.
INDEX = "index"
# "token" alone: it may be any, so its shape has to say which.
ANY_TOKEN = "token"  # noqa: S105

_NAMES: dict[Slot | Kind, str] = {
    EMAIL: """email mail emailaddress account user username login 邮箱 邮箱地址 邮箱账号 登录邮箱 电子邮箱 邮件
        电子邮件 信箱 账号 帐号 账户 帐户 用户 用户名 母号 母号邮箱 登录账号 账号密码 账密 郵箱 帳號 帳戶 用戶名""",
    ACCESS: "accesstoken at access 访问令牌 訪問令牌 访问token authorization bearer bearertoken",
    ANY_TOKEN: "token tokens jwt 令牌 授权 授权码 凭证",
    REFRESH: "refreshtoken rt refresh 刷新令牌 更新令牌 刷新token",
    SESSION: "sessiontoken st session 会话令牌 會話令牌 会话token",
    CLIENT: "clientid client cid 客户端id 客户端",
    ACCOUNT: "accountid chatgptaccountid workspaceid teamid 账号id 工作空间id 空间id",
    PASSWORD: """password pass passwd pwd emailpassword mailpassword 密码 密碼 口令 登录密码 邮箱密码
        初始密码""",
    SEED: """2fa 2facode 2fakey 2fasecret 2fa密钥 2fa秘钥 mfa totp totpsecret otp otpsecret secret 密钥 秘钥
        二次验证 两步验证 双重验证 谷歌验证 谷歌验证器 验证器 动态码 身份验证器 2步验证""",
    RECOVERY: """recovery recoveryemail recoverymail backupemail backup 辅助邮箱 备用邮箱 恢复邮箱 辅邮 副邮箱 輔助郵箱
        备用""",
    PHONE: "phone phonenumber mobile tel 手机 手机号 手机号码 电话 電話 手機",
    DATE: """date expires expiresat expired expiry expiration birthday created createdat 到期 到期时间 到期日 到期日期
        有效期 过期时间 日期 时间 生日 创建时间 购买时间 注册时间""",
    NOTE: "note notes remark remarks comment comments memo description 备注 說明 说明 注释 备忘 備註 描述",
    INDEX: "# no number index id 序号 编号 序號 编码 行号 num",
    OTHER: """idtoken name 姓名 名称 昵称 plan 套餐 type 类型 status 状态 cookie cookies country 国家 地区 region price
        价格 ip proxy 代理 seats 席位 organization team teamname 团队""",
}
_KNOWN: dict[str, Slot | Kind] = {name: what for what, names in _NAMES.items() for name in names.split()}
_FILLERS = re.compile(r"[\s_.\"'`*:：-]|[(（\[【][^()（）]{0,20}[)）\]】]")

# As they stand in a line: longest first, blanks and hyphens between words as people write them.
_SHOWN = sorted(
    {
        *_KNOWN,
        *("access[ _-]token", "refresh[ _-]token", "session[ _-]token", "client[ _-]id", "account[ _-]id"),
        *("id[ _-]token", "e[ _-]mail", "email address", "user name", "two[ -]factor", "recovery[ _-]e?mail"),
        *("chatgpt[ _-]account[ _-]id", "workspace[ _-]id", "backup e?mail", "phone number", "expires[ _-]at"),
        *("2fa[ _-]?(?:key|secret|code)?", "bearer token", "email[ _-]password"),
    }
    - {"#", "id", "no"},
    key=len,
    reverse=True,
)
_LABEL = re.compile(
    r"(?:^|(?<=[\s,;|&*\[(\"'`{])|(?<=----))(?P<name>" + "|".join(_SHOWN) + r")\**\s{0,3}[:=]\s{0,3}", re.IGNORECASE
)
# What separates a value from the next label.
_END = re.compile(r"(?:[\s,;|&*]|-{4})+$")
_ALIASES = {"twofactor": SEED, "2fa": SEED}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A piece of a line; `what` says its label, "" when it has none."""

    what: Slot | Kind
    text: str


def named(name: str) -> Slot | Kind | None:
    """What a column of this name holds; None when the name is unknown."""
    plain = _FILLERS.sub("", name).lower()
    return _KNOWN.get(plain) or _ALIASES.get(plain) or (INDEX if name.strip().lower() in ("#", "no.", "№") else None)


def pieces(line: str) -> list[Labelled]:
    """The line cut at its labels; empty when it has none."""
    marks = list(_LABEL.finditer(line))
    if not marks:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(line)]
    before = _END.sub("", line[: marks[0].start()])
    found = [Labelled("", before)] if before.strip() else []
    for mark, end in zip(marks, ends, strict=True):
        found.append(Labelled(named(mark["name"]) or OTHER, _END.sub("", line[mark.end() : end])))
    return found
