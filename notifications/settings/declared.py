"""Run-time settings of notices and mails only; every other room declares its own in `<room>/settings.py`.

Each channel declares its own in its module in `notifications/channels/`. The settings page shows them all from
`config/backoffice/settings_page/sections.py`.
"""

from __future__ import annotations

from notifications import bells, topics
from notifications.settings import checks
from notifications.settings.runtime import RuntimeSetting, declare

# Links in mails start with it; without it no mail has one, and the one whose text needs it is not sent.
PUBLIC_URL = declare(RuntimeSetting("notifications.public_url", "", check=checks.public_url))
LOW_STOCK_THRESHOLD = declare(
    RuntimeSetting("notifications.low_stock_threshold", 10, low=0, high=100_000, rings=bells.check_stock)
)
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
