"""Pages for people who use a keyboard, a phone, a dark screen, or who see little: contrast, words, widths."""

import re

import pytest

from faceblur.assets import asset
from faceblur.workshop.running.classroom import HEAD

ENOUGH = 4.5  # to one, for text, as WCAG 2.2 has it at level AA
PAGES = {"page.css": "card paper", "review.css": "card paper", "slides.css": "paper code"}
OTHERS = {("lost-ink", "lost"), ("wrong-ink", "wrong"), ("amber", "card"), ("link", "card")}


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", css))


def schemes(name: str) -> dict[str, dict[str, str]]:
    """Of a style sheet: the variables in light and in dark."""
    light, _, dark = asset(name).partition("@media (prefers-color-scheme: dark)")
    by_day = variables(light)
    return {"light": by_day, "dark": by_day | variables(dark)}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it_by_day_and_by_night(name, scheme):
    colours = schemes(name)[scheme]
    assert colours != schemes(name)["light"] or scheme == "light"
    pairs = {(ink, ground) for ink in ("ink", "soft") for ground in PAGES[name].split()}
    for ink, ground in pairs | {pair for pair in OTHERS if set(pair) <= set(colours)}:
        assert contrast(colours[ink], colours[ground]) >= ENOUGH, (ink, ground)


@pytest.mark.parametrize("name", ["player.css", "slider.css", "review.css"])
def test_white_words_on_a_button_stand_out(name):
    css = asset(name)
    button = variables(css).get("accent") or re.search(r"background: (#[0-9a-f]{6}); color: #fff", css)[1]
    assert contrast(button, "#ffffff") >= ENOUGH
    assert contrast(re.search(r"(?:--soft|color): (#[0-9a-f]{6})", css)[1], "#ffffff") >= ENOUGH


def test_the_class_page_stands_out():
    assert contrast(re.search(r"\.done \{ background: (#\w+); color: #fff", HEAD)[1], "#fff") >= ENOUGH
