from __future__ import annotations

import json
import sys

import pytest
from support import ROOT

from bench.audit import languages as module
from bench.audit.languages import SAMPLE, Languages, lacking, languages, script

TEXTS = {
    "en": ["where can I find my invoice", "I cannot log in to my account", "return policy for opened items"],
    "de": ["Wie setze ich mein Passwort zurück?", "Warum kann ich mich nicht anmelden?", "Wo finde ich meine Rechnung"],
    "fr": [
        "Comment réinitialiser mon mot de passe ?",
        "Je n'arrive pas à me connecter",
        "changer l'adresse de livraison",
    ],
    "pl": ["gdzie znajdę moją fakturę", "nie mogę zalogować się na konto", "Jak mogę anulować zamówienie?"],
    "ja": ["パスワードを忘れた場合", "注文をキャンセルする方法", "ログインできません"],
    "ko": ["비밀번호를 잊어버렸어요", "주문을 취소하는 방법", "환불은 언제 되나요"],
    "zh": ["我的订单什么时候到", "怎样取消订阅并退款", "账户无法登录怎么办"],
    "th": ["วิธีการคืนสินค้า", "เข้าสู่ระบบไม่ได้", "ยกเลิกคำสั่งซื้อ"],
    "ru": ["отменить заказ и вернуть деньги", "где найти мой счёт за заказ", "как изменить адрес доставки"],
    "ar": ["كيف يمكنني إعادة تعيين كلمة المرور؟", "أين أجد فاتورتي الأخيرة", "كيف يمكنني إلغاء الطلب"],
}
SCRIPTS = {"ja": "kana", "ko": "Hangul", "zh": "Han", "th": "Thai", "ru": "Cyrillic", "ar": "Arabic"}


@pytest.mark.parametrize("language", TEXTS)
def test_questions_of_a_help_centre(language):
    found = languages(TEXTS[language])
    assert (found.texts, found.sampled, found.short, found.uncertain) == (3, 3, 0, 0)
    assert found.languages == {language: 3}
    assert found.scripts == {SCRIPTS.get(language, "Latin"): 3}


def test_shipped_queries_are_english():
    lines = (ROOT / "tasks" / "hardware_store" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    found = languages([json.loads(line)["text"] for line in lines])
    assert found.sampled == SAMPLE < found.texts
    assert found.short + found.uncertain + sum(found.languages.values()) == SAMPLE
    assert next(iter(found.languages)) == "en"
    assert found.languages["en"] >= 0.97 * sum(found.languages.values())


def test_what_is_too_short_or_no_language_is_not_guessed():
    found = languages(
        ["iPhone 15", "SKU 4711-0815-2342-9999-1234", "", "12345 67890 12345 67890", "XKCDQWRTZPSDFGHJKLMNVBXQ"]
    )
    assert found.languages == {}
    assert found.short == 4
    assert found.uncertain == 1
    assert found.scripts == {"Latin": 3}


def test_html_and_addresses_say_nothing_about_the_language():
    page = '<div class="the-content of-this page with-the navigation"><p>Wie setze ich mein Passwort zurück?</p></div>'
    link = "https://www.example.com/where-can-i-find-the-invoice-of-my-account Wo finde ich meine Rechnung"
    assert languages([page, link]).languages == {"de": 2}


def test_the_sample_is_the_same_each_time():
    mixed = [text for texts in TEXTS.values() for text in texts] * 40
    assert languages(mixed) == languages(mixed)
    assert set(languages(mixed).languages) == set(TEXTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("注文の方法", "kana"), ("北京", "Han"), ("Straße", "Latin"), ("\uff21\uff42", "Latin"), ("ｶﾅ", "kana"),
        ("ελληνικά", "Greek"), ("हिन्दी", "Devanagari"), ("TLS für Сервер сервер", "Cyrillic"),
        ("123 !?", None), ("", None),
    ],
)  # fmt: skip
def test_the_script_of_a_text(text, expected):
    assert script(text) == expected


def made(languages, scripts=()):
    counts = dict(languages)
    return Languages(100, 100, 0, 0, counts, dict(scripts))


def test_a_language_that_documents_lack_is_pointed_out():
    documents = made({"en": 100})
    assert lacking(made({"en": 90, "de": 10}), documents) == [
        "10 of 100 recognised queries are in de, and no document of 100 is",
    ]
    # Single texts are errors of the classifier more often than not.
    assert lacking(made({"en": 98, "la": 2}), documents) == []
    assert lacking(made({"en": 996, "nl": 4}), documents) == []
    assert lacking(made({"en": 50, "de": 50}), made({"de": 1, "en": 99})) == []


def test_scripts_tell_where_languages_are_not_known():
    queries, documents = made({}, {"Latin": 50, "Han": 7}), made({}, {"Latin": 60})
    assert lacking(queries, documents) == ["7 of 57 recognised queries are in the script Han, and no document of 60 is"]
    assert lacking(made({}, {"Han": 7}), made({})) == []


def test_without_the_package_scripts_are_looked_at(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    module._classifier.cache_clear()
    found = languages(TEXTS["ru"])
    assert found.languages == {}
    assert found.scripts == {"Cyrillic": 3}
    assert found.reason == "the package py3langid is not installed (pip install 'mrl-bench[data]')"
    module._classifier.cache_clear()
