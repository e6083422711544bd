"""What the quote model says around its quotations, in the question's language. It always says plainly what it is."""

from __future__ import annotations

from typing import Final, NamedTuple

from antiphon.core.language import Language


class Texts(NamedTuple):
    """nothing has the place `{searched}`, the number of passages; quoted has `{text}` and `{number}`."""

    intro: str
    quoted: str
    outro: str
    nothing: str
    no_documents: str


TEXTS: Final[dict[Language, Texts]] = {
    "en": Texts(
        intro="This is what the documents say:",
        quoted="“{text}” [{number}]",
        outro="I am the built-in quoting model: I pick sentences from your documents and write none of my own.",
        nothing=(
            "I found nothing about this in the {searched} passages that I may quote from. Other words may help.\n\n"
            "I am the built-in quoting model: I pick sentences from your documents and write none of my own."
        ),
        no_documents=(
            "There are no documents here yet, so I have nothing to quote. Add some with\n\n"
            "    antiphon ingest PATH\n\n"
            "where PATH is a file or a folder, and ask again. I am the built-in quoting model: I pick sentences from your "
            "documents and write none of my own."
        ),
    ),
    "vi": Texts(
        intro="Tài liệu viết như sau:",
        quoted="“{text}” [{number}]",
        outro="Tôi là mô hình trích dẫn có sẵn: tôi chọn câu trong tài liệu của bạn và không tự viết câu nào.",
        nothing=(
            "Tôi không tìm thấy gì về điều này trong {searched} đoạn mà tôi được phép trích. Hãy thử dùng từ khác.\n\n"
            "Tôi là mô hình trích dẫn có sẵn: tôi chọn câu trong tài liệu của bạn và không tự viết câu nào."
        ),
        no_documents=(
            "Ở đây chưa có tài liệu nào nên tôi không có gì để trích. Hãy thêm tài liệu bằng lệnh\n\n"
            "    antiphon ingest PATH\n\n"
            "trong đó PATH là một tệp hoặc thư mục, rồi hỏi lại. Tôi là mô hình trích dẫn có sẵn: tôi chọn câu trong tài liệu của bạn và "
            "không tự viết câu nào."
        ),
    ),
    "zh-Hans": Texts(
        intro="文档中是这样写的：",
        quoted="“{text}” [{number}]",
        outro="我是内置的引文模型：只从您的文档中摘录原句，自己不写任何内容。",
        nothing=(
            "在我可以引用的 {searched} 个段落中没有找到与此相关的内容。换个说法也许有帮助。\n\n"
            "我是内置的引文模型：只从您的文档中摘录原句，自己不写任何内容。"
        ),
        no_documents=(
            "这里还没有文档，所以没有可以引用的内容。请用下面的命令添加文档\n\n"
            "    antiphon ingest PATH\n\n"
            "其中 PATH 是文件或文件夹，然后再提问。我是内置的引文模型：只从您的文档中摘录原句，自己不写任何内容。"
        ),
    ),
    "zh-Hant": Texts(
        intro="文件中是這樣寫的：",
        quoted="「{text}」 [{number}]",
        outro="我是內建的引文模型：只從您的文件中摘錄原句，自己不寫任何內容。",
        nothing=(
            "在我可以引用的 {searched} 個段落中沒有找到與此相關的內容。換個說法也許有幫助。\n\n"
            "我是內建的引文模型：只從您的文件中摘錄原句，自己不寫任何內容。"
        ),
        no_documents=(
            "這裡還沒有文件，所以沒有可以引用的內容。請用下面的命令加入文件\n\n"
            "    antiphon ingest PATH\n\n"
            "其中 PATH 是檔案或資料夾，然後再提問。我是內建的引文模型：只從您的文件中摘錄原句，自己不寫任何內容。"
        ),
    ),
}
