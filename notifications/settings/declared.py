"""The run-time settings of this room: where notices go, what operators are told, what redeemers read.

The other rooms declare theirs in `invites/settings.py`, `teampool/settings.py` and `guardian/rules/policy.py`; the
pages show them from `config/backoffice/settings_page/sections.py`.
"""

from __future__ import annotations

from notifications import bells, topics
from notifications.settings import checks
from notifications.settings.runtime import RuntimeSetting, declare, require_together

# Links in mails start with it; without it no mail has one, and the one whose text needs it is not sent.
PUBLIC_URL = declare(RuntimeSetting(topics.PUBLIC_URL, "", check=checks.public_url))

WEBHOOK_URL = declare(RuntimeSetting(topics.WEBHOOK_URL, "", check=checks.web_address))
WEBHOOK_SECRET = declare(
    RuntimeSetting("notifications.webhook_secret", "", check=checks.webhook_secret, is_secret=True)
)
WEBHOOK_ALLOW_PRIVATE = declare(RuntimeSetting("notifications.webhook_allow_private", False))
LOW_STOCK_THRESHOLD = declare(
    RuntimeSetting("notifications.low_stock_threshold", 10, low=0, high=100_000, rings=bells.check_stock)
)

# The address holds the device key: whoever knows it can push to that phone.
BARK_URL = declare(RuntimeSetting(topics.BARK_URL, "", check=checks.bark_url, is_secret=True))
BARK_LEVEL = declare(
    RuntimeSetting("notifications.bark_level", "active", choices=("active", "timeSensitive", "passive", "critical"))
)
BARK_SOUND = declare(RuntimeSetting("notifications.bark_sound", "", check=checks.bark_sound))

SMTP_HOST = declare(RuntimeSetting(topics.SMTP_HOST, "", check=checks.host_name))
SMTP_PORT = declare(RuntimeSetting("notifications.smtp_port", 465, low=1, high=65_535))
SMTP_SECURITY = declare(RuntimeSetting("notifications.smtp_security", "ssl", choices=("ssl", "starttls")))
SMTP_USER = declare(RuntimeSetting("notifications.smtp_user", "", check=checks.one_line))
SMTP_PASSWORD = declare(RuntimeSetting("notifications.smtp_password", "", is_secret=True))
# Empty: the user name.
SMTP_SENDER = declare(RuntimeSetting("notifications.smtp_sender", "", check=checks.sender))

# Operators get their notices by e-mail too when this is set.
OPERATOR_EMAIL = declare(RuntimeSetting(topics.OPERATOR_EMAIL, "", check=checks.email_address))
OPERATOR_LANGUAGE = declare(RuntimeSetting(topics.OPERATOR_LANGUAGE, "zh-hans", choices=("zh-hans", "en")))
TELL = {topic: declare(RuntimeSetting(topics.switch(topic), True)) for topic in topics.TOPICS}

MAIL_SUCCESS = declare(RuntimeSetting(topics.mail_switch("success"), True))
MAIL_REMINDER = declare(RuntimeSetting(topics.mail_switch("reminder"), True))
MAIL_MOVED = declare(RuntimeSetting(topics.mail_switch("moved"), True))
MAIL_SUCCESS_SUBJECT_ZH = declare(
    RuntimeSetting("notifications.mail_success_subject_zh", "你的 ChatGPT Team 邀请", check=checks.subject)
)
MAIL_SUCCESS_SUBJECT_EN = declare(
    RuntimeSetting("notifications.mail_success_subject_en", "Your ChatGPT Team invitation", check=checks.subject)
)
MAIL_SUCCESS_BODY_ZH = declare(
    RuntimeSetting(
        "notifications.mail_success_body_zh",
        "邀请已发到 {email}。\n\n1. 打开 OpenAI 的邀请邮件并接受；\n2. 用同一邮箱登录；\n3. 切换到 Team。\n\n"
        "进度：{status_url}",
        check=checks.body,
    )
)
MAIL_SUCCESS_BODY_EN = declare(
    RuntimeSetting(
        "notifications.mail_success_body_en",
        "It was sent to {email}.\n\n1. Open the invitation from OpenAI and accept;\n2. sign in with the same e-mail;\n"
        "3. switch to the Team.\n\nProgress: {status_url}",
        check=checks.body,
    )
)

require_together(checks.webhook_address, WEBHOOK_URL, WEBHOOK_ALLOW_PRIVATE)
