"""The fixed texts of the server's own pages in the languages that it speaks, and which of them a browser wants.

Source of the choice: RFC 9110, section 12.5.4 (Accept-Language).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon.core.language import Language, match


class Texts(msgspec.Struct, frozen=True):
    """problems: what the set-up page says for an error's code; other errors speak for themselves."""

    running: str
    what: str
    admin: str
    admin_how: str
    documents: str
    ask: str
    question: str
    program: str
    routes: str
    setup: str
    setup_note: str
    setup_over: str
    setup_over_how: str
    name: str
    email: str
    password: str
    create: str
    welcome: str
    next: str
    no_link: str
    no_answer: str
    original: str
    missing: str
    missing_how: str
    problems: Mapping[str, str]


_EN: Final = Texts(
    running="Antiphon is running",
    what="It answers questions from your documents and shows where each answer comes from: in a terminal, through the APIs that chat "
    "programs already speak, and in a widget on your own pages.",
    admin="Become the administrator",
    admin_how="Open the set-up link that the server printed when it started.",
    documents="Give it documents",
    ask="Ask",
    question="How do I ...?",
    program="Ask from a program",
    routes="For administrators: every route of the API",
    setup="Become the administrator",
    setup_note="This page works once, with the link that the server printed when it started.",
    setup_over="This server has an administrator",
    setup_over_how="There is nothing left to set up here. Whoever sits at the server can set a new password:",
    name="Name",
    email="E-mail (optional)",
    password="Password (8 characters or more)",  # noqa: S106  # a label
    create="Create administrator",
    welcome="Welcome",
    next="You are the administrator, and signed in. Next, in a terminal:",
    no_link="The address lacks the secret part of the set-up link. Copy the whole link that the server printed.",
    no_answer="The server did not answer. Is it still running? Nothing was changed.",
    original="Open the original",
    missing="This document is not here",
    missing_how="It was deleted or moved, or it is not yours to read.",
    problems={},
)

_VI: Final = Texts(
    running="Antiphon đang chạy",
    what="Antiphon trả lời câu hỏi dựa trên tài liệu của bạn và cho biết mỗi câu trả lời lấy từ đâu: trong cửa sổ dòng lệnh, qua các API "
    "mà các chương trình trò chuyện vốn đã dùng, và trong một tiện ích trên trang web của bạn.",
    admin="Trở thành quản trị viên",
    admin_how="Mở liên kết thiết lập mà máy chủ đã in ra khi khởi động.",
    documents="Thêm tài liệu",
    ask="Đặt câu hỏi",
    question="Làm thế nào để ...?",
    program="Hỏi từ một chương trình",
    routes="Dành cho quản trị viên: mọi địa chỉ của API",
    setup="Trở thành quản trị viên",
    setup_note="Trang này chỉ dùng được một lần, với liên kết mà máy chủ đã in ra khi khởi động.",
    setup_over="Máy chủ này đã có quản trị viên",
    setup_over_how="Không còn gì để thiết lập ở đây. Người ngồi tại máy chủ có thể đặt mật khẩu mới:",
    name="Tên",
    email="Thư điện tử (không bắt buộc)",
    password="Mật khẩu (từ 8 ký tự trở lên)",  # noqa: S106  # a label
    create="Tạo quản trị viên",
    welcome="Chào mừng",
    next="Bạn là quản trị viên và đã đăng nhập. Tiếp theo, trong cửa sổ dòng lệnh:",
    no_link="Địa chỉ thiếu phần bí mật của liên kết thiết lập. Hãy sao chép toàn bộ liên kết mà máy chủ đã in ra.",
    no_answer="Máy chủ không trả lời. Nó còn chạy không? Chưa có gì bị thay đổi.",
    original="Mở bản gốc",
    missing="Tài liệu này không có ở đây",
    missing_how="Tài liệu đã bị xoá hoặc chuyển đi, hoặc bạn không có quyền đọc.",
    problems={
        "set_up_already": "Máy chủ này đã có quản trị viên.",
        "invalid_credential": "Liên kết thiết lập này không còn hiệu lực. Khởi động lại máy chủ để có liên kết mới.",
        "invalid_name": "Tên không hợp lệ: tối đa 100 ký tự và không có '@'.",
        "invalid_email": "Đây không phải là địa chỉ thư điện tử.",
        "invalid_password": "Mật khẩu phải có từ 8 đến 1024 ký tự.",
        "user_exists": "Tên hoặc địa chỉ này đã có người dùng.",
    },
)

_HANS: Final = Texts(
    running="Antiphon 正在运行",
    what="它根据您的文档回答问题，并注明每个答案的出处：可以在终端里使用，可以通过聊天程序已有的接口使用，也可以放在您自己网页的小部件中。",
    admin="成为管理员",
    admin_how="打开服务器启动时打印的设置链接。",
    documents="添加文档",
    ask="提问",
    question="如何……？",
    program="从程序中提问",
    routes="供管理员查阅：全部 API 地址",
    setup="成为管理员",
    setup_note="此页面只能使用一次，需要服务器启动时打印的链接。",
    setup_over="此服务器已有管理员",
    setup_over_how="这里没有需要设置的内容了。在服务器所在的机器上可以设置新密码：",
    name="名称",
    email="电子邮箱（可选）",
    password="密码（至少 8 个字符）",  # noqa: S106  # a label
    create="创建管理员",
    welcome="欢迎",
    next="您现在是管理员，并且已经登录。接下来，在终端里：",
    no_link="地址中缺少设置链接的密钥部分。请完整复制服务器打印的链接。",
    no_answer="服务器没有应答。它还在运行吗？没有任何更改。",
    original="打开原文",
    missing="这里没有这份文档",
    missing_how="它已被删除或移动，或者您无权阅读。",
    problems={
        "set_up_already": "此服务器已有管理员。",
        "invalid_credential": "此设置链接已失效。重新启动服务器即可得到新的链接。",
        "invalid_name": "名称无效：最多 100 个字符，不能含有“@”。",
        "invalid_email": "这不是电子邮箱地址。",
        "invalid_password": "密码须有 8 到 1024 个字符。",
        "user_exists": "此名称或邮箱已被使用。",
    },
)

_HANT: Final = Texts(
    running="Antiphon 正在執行",
    what="它根據您的文件回答問題，並註明每個答案的出處：可以在終端機裡使用，可以透過聊天程式既有的介面使用，也可以放在您自己網頁的小工具中。",
    admin="成為管理員",
    admin_how="開啟伺服器啟動時印出的設定連結。",
    documents="加入文件",
    ask="提問",
    question="如何……？",
    program="從程式中提問",
    routes="供管理員查閱：全部 API 位址",
    setup="成為管理員",
    setup_note="此頁面只能使用一次，需要伺服器啟動時印出的連結。",
    setup_over="此伺服器已有管理員",
    setup_over_how="這裡沒有需要設定的內容了。在伺服器所在的機器上可以設定新密碼：",
    name="名稱",
    email="電子郵件（選填）",
    password="密碼（至少 8 個字元）",  # noqa: S106  # a label
    create="建立管理員",
    welcome="歡迎",
    next="您現在是管理員，並且已經登入。接下來，在終端機裡：",
    no_link="網址中缺少設定連結的密鑰部分。請完整複製伺服器印出的連結。",
    no_answer="伺服器沒有回應。它還在執行嗎？沒有任何變更。",
    original="開啟原文",
    missing="這裡沒有這份文件",
    missing_how="它已被刪除或移動，或者您無權閱讀。",
    problems={
        "set_up_already": "此伺服器已有管理員。",
        "invalid_credential": "此設定連結已失效。重新啟動伺服器即可得到新的連結。",
        "invalid_name": "名稱無效：最多 100 個字元，不能含有「@」。",
        "invalid_email": "這不是電子郵件地址。",
        "invalid_password": "密碼須有 8 到 1024 個字元。",
        "user_exists": "此名稱或郵件地址已有人使用。",
    },
)

TEXTS: Final[Mapping[Language, Texts]] = {"en": _EN, "vi": _VI, "zh-Hans": _HANS, "zh-Hant": _HANT}
_SPOKEN: Final = ("en", "vi", "zh")
_LONGEST_LIST: Final = 20


def preferred(accept_language: str) -> Language:
    """The most wanted of our languages; English when none of them is wanted."""
    best: Language = "en"
    weight = 0.0
    for item in accept_language.split(",")[:_LONGEST_LIST]:
        tag, _, parameter = item.partition(";")
        tag = tag.strip()
        found = match(tag) if tag.replace("_", "-").lower().split("-")[0] in _SPOKEN else None
        wanted = _weight(parameter)
        if found is not None and wanted > weight:
            best, weight = found, wanted
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
