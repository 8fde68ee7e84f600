"""The statistics, the help and full screen, by hand and by keyboard alone."""
from selenium.webdriver.common.keys import Keys
from waiting import until


def drawn(viewer):
    """How many graphs have something on them."""
    return viewer.ask("""
        return [...document.querySelectorAll('#graphs canvas')].filter((canvas) => canvas.width > 0 &&
          canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)).length""")


def test_s_shows_live_statistics_and_takes_them_away(browser, small_world):
    viewer = browser.open(small_world.page()).await_state("live")
    assert viewer.text("stats") == ""
    viewer.keys("s")
    until(lambda: "640 × 360" in viewer.text("stats"), 10, "the resolution is told")
    until(lambda: drawn(viewer) == 4, 10, "all four graphs are drawn")
    for word in ("Frames a second", "Bitrate", "Round trip", "Dropped", "H264", "Viewers"):
        assert word in viewer.text("stats")
    assert viewer.element("toggle-stats").get_attribute("aria-expanded") == "true"
    viewer.keys("s")
    assert viewer.text("stats") == ""
    assert viewer.element("toggle-stats").get_attribute("aria-expanded") == "false"


def test_f_and_a_double_click_toggle_full_screen(browser, small_world):
    viewer = browser.open(small_world.page()).await_state("live")

    def full():
        return viewer.ask("return document.fullscreenElement !== null")

    viewer.keys("f")
    until(full, 5, "the page fills the screen")
    viewer.keys("f")
    until(lambda: not full(), 5, "the page is in its window")
    viewer.element("toggle-full").click()
    until(full, 5, "the button fills the screen")
    assert viewer.element("toggle-full").get_attribute("aria-pressed") == "true"


def test_the_question_mark_opens_help_and_escape_closes_it(browser, small_world):
    viewer = browser.open(small_world.page()).await_state("live")
    viewer.keys("?")
    until(lambda: "repel" in viewer.text("help"), 5, "the help is shown")
    viewer.keys(Keys.ESCAPE)
    until(lambda: viewer.text("help") == "", 5, "the help is gone")


def test_tab_reaches_every_control_and_shows_where_it_is(browser, small_world):
    viewer = browser.open(small_world.page()).await_state("live")
    reached = []
    for _ in range(6):
        viewer.keys(Keys.TAB)
        focused, outline = viewer.ask("""
            const element = document.activeElement, style = getComputedStyle(element);
            return [element.id, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]""")
        if focused:
            assert outline, f"the focus on {focused} can not be seen"
            reached.append(focused)
    assert {"toggle-stats", "toggle-help", "toggle-full"} <= set(reached)
    while viewer.ask("return document.activeElement.id") != "toggle-stats":
        viewer.keys(Keys.TAB)
    viewer.keys(Keys.ENTER)
    until(lambda: viewer.text("stats"), 5, "Enter on the button shows the statistics")


def test_what_lies_around_the_picture_fades_when_nobody_moves(browser, small_world):
    viewer = browser.open(small_world.page()).await_state("live")
    opacity = "return Number(getComputedStyle(document.getElementById('bar')).opacity)"
    until(lambda: viewer.ask(opacity) == 0, 10, "the bar has faded")
    viewer.keys(Keys.SHIFT)
    until(lambda: viewer.ask(opacity) == 1, 5, "the bar is back")
